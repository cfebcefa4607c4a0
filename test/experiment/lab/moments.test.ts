import { expect } from 'chai';
import { momentLength, readMoments, writeMoments } from '../../../src/experiment/lab/moments.ts';

const parameters = [
  { name: 'stem', shape: [2, 1], init: 'zeros' },
  { name: 'head', shape: [3], init: 'zeros' },
] as const;

describe('moments of an optimiser as a row', () => {
  it('have for each parameter its steps and two numbers for each of its own', () => {
    // (1 + 2·2) + (1 + 2·3) = 12.
    expect(momentLength(parameters)).equal(12);
    const row = new Float64Array(12).fill(9);
    const moments = [Float32Array.of(0.5, 1), Float32Array.of(2, 3)];
    writeMoments([{ name: 'stem', steps: 4, buffers: moments }], parameters, row);
    expect([...row]).deep.equal([4, 0.5, 1, 2, 3, 0, 0, 0, 0, 0, 0, 0]);
  });

  it('leave out a head that has seen no step, and are none before the first', () => {
    expect(readMoments(new Float64Array(12), parameters)).equal(null);
    const row = Float64Array.of(4, 0.5, 1, 2, 3, 0, 0, 0, 0, 0, 0, 0);
    expect(readMoments(row, parameters)).deep.equal([
      { name: 'stem', steps: 4, buffers: [Float32Array.of(0.5, 1), Float32Array.of(2, 3)] },
    ]);
  });

  it('are not those of another optimiser', () => {
    const sgd = [{ name: 'stem', steps: 1, buffers: [Float32Array.of(1, 2)] }];
    expect(() => {
      writeMoments(sgd, parameters, new Float64Array(12));
    }).throws('AdamW has moments');
  });
});
