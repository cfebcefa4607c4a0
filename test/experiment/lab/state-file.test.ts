import { expect } from 'chai';
import { decodeState, encodeState } from '../../../src/experiment/lab/state-file.ts';

const state = {
  round: 7,
  algorithm: 'choco',
  rows: new Map([
    ['models', Float64Array.of(1, -2.5, Number.MIN_VALUE)],
    ['readyMs', Float64Array.of(0.1)],
  ]),
  states: [
    {
      model: Float32Array.of(1.5, 2),
      estimates: new Map([[3, { number: 4, values: Float64Array.of(0.1, Math.PI) }]]),
      isFresh: false,
      bytes: Uint8Array.of(0, 255),
      none: null,
    },
  ],
  underway: { inboxes: [new Map([[1, [Float32Array.of(1, 2)]]])] },
};

describe('a state file', () => {
  it('gives back what was put in, to the bit and of the same kinds', () => {
    const read = decodeState(encodeState(state), 'a.bin');
    expect(read).deep.equal(state);
    expect((read.states[0] as { model: unknown }).model).instanceOf(Float32Array);
  });

  it('is refused with any bit changed', () => {
    const bytes = encodeState(state);
    for (const at of [0, 30, bytes.length >> 1, bytes.length - 1]) {
      const bad = bytes.slice();
      bad[at] = (bad[at] ?? 0) ^ 1;
      expect(() => decodeState(bad, 'a.bin'), String(at)).throw('a.bin: expected');
    }
  });

  it('is refused when it is short, empty or something else', () => {
    const bytes = encodeState(state);
    for (const bad of [
      bytes.slice(0, -1),
      bytes.slice(0, 10),
      new Uint8Array(0),
      new Uint8Array(99),
    ]) {
      expect(() => decodeState(bad, 'a.bin')).throw('a.bin: expected');
    }
  });
});
