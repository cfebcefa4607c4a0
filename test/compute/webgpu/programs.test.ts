/** The text of the programs, which needs no graphics card: what a mistake in a template would leave in it. */
import { expect } from 'chai';
import type { Variable } from '@tensorflow/tfjs';
import { convGeometry } from '../../../src/compute/ops/conv-geometry.ts';
import type { Triple } from '../../../src/compute/index.ts';
import { convFilterGradient } from '../../../src/compute/webgpu/filter-gradient.ts';
import { crossEntropyDice } from '../../../src/compute/webgpu/loss.ts';
import { adamW, sgd } from '../../../src/compute/webgpu/optimisers.ts';
import { convForward, convInputGradient } from '../../../src/compute/webgpu/window-product.ts';
import { recordDevice, type Dispatch, type Recording } from './recorded-device.ts';

/** Sides of the image, channels in and out, kernel, stride. */
type Size = readonly [sides: Triple, inputs: number, outputs: number, kernel: Triple, step: Triple];

const ones: Triple = [1, 1, 1];
const twos: Triple = [2, 2, 2];
const threes: Triple = [3, 3, 3];

/** The nets' convolutions, and odd ones: channels that no vector divides, rows of 1, kernels that differ by axis. */
const sizes: readonly Size[] = [
  [[48, 48, 48], 1, 16, threes, ones],
  [[24, 24, 24], 32, 48, threes, ones],
  [[12, 12, 12], 64, 128, threes, twos],
  [[6, 6, 6], 256, 256, threes, ones],
  [[16, 16, 16], 12, 24, twos, twos],
  [[8, 9, 70], 5, 7, [1, 3, 3], [1, 2, 2]],
  [[1, 1, 512], 96, 288, ones, ones],
  [[4, 5, 2], 3, 1, [3, 1, 2], [2, 1, 1]],
];

function convolve({ launcher, tensor }: Recording, [sides, ...rest]: Size): void {
  const [inputs, outputs, kernel, stride] = rest;
  for (const batch of [1, 2]) {
    const g = convGeometry([batch, ...sides, inputs], [outputs, inputs, ...kernel], stride);
    const [x, w, y] = [tensor(...g.input), tensor(...g.weights), tensor(...g.output)];
    for (const bias of [null, tensor(outputs)]) convForward(launcher, g, x, w, bias);
    for (const bias of [null, tensor(inputs)]) convInputGradient(launcher, g, y, w, bias);
    convFilterGradient(launcher, g, x, y);
  }
}

function learn({ launcher, tensor }: Recording): void {
  for (const [classes, batchDice] of [
    [2, true],
    [4, false],
    [7, true],
  ] as const) {
    for (const side of [3, 24]) {
      const inputs = {
        logits: tensor(2, side, side, side, classes),
        labels: tensor(2, side, side, side),
      };
      crossEntropyDice(launcher, inputs, { batchDice, smooth: 1 });
    }
  }
  for (const count of [64, 27]) {
    const variable = (): Variable => ({ ...tensor(count), size: count }) as unknown as Variable;
    const [p, g, m, v] = [[variable()], [variable()], [variable()], [variable()]];
    const shared = { lr: 0.1, weightDecay: 0.01 };
    adamW(launcher, p, g, m, v, { ...shared, beta1: 0.9, beta2: 0.999, eps: 1e-8, step: 1 });
    sgd(launcher, p, g, v, { ...shared, momentum: 0.9 });
  }
}

/** What is wrong with a program, in words. */
function faultsOf({ code, workgroups }: Dispatch): string[] {
  const faults: string[] = [];
  const leftOver = /undefined|NaN|Infinity|null|\[object|=>|\$\{/.exec(code);
  if (leftOver !== null) faults.push(`"${leftOver[0]}" in the text`);
  const open: string[] = [];
  for (const [bracket] of code.matchAll(/[()[\]{}]/g)) {
    if ('([{'.includes(bracket)) open.push(bracket);
    else if (/^(\(\)|\[\]|\{\})$/.exec(`${open.pop() ?? ''}${bracket}`) === null)
      faults.push(bracket);
  }
  if (open.length > 0) faults.push(`${open.join('')} not closed`);
  const declared = [...code.matchAll(/^(?:@.*)?var<(?:storage|workgroup).*?> (\w+):/gm)].map(
    ([, name = '']) => name,
  );
  if (new Set(declared).size !== declared.length) faults.push('a name declared twice');
  for (const name of declared) {
    const uses = code.match(new RegExp(`\\b${name}\\b`, 'g')) ?? [];
    if (uses.length < 2) faults.push(`${name} is not used`);
  }
  const fits = workgroups.every((count) => count >= 1 && count <= 65_535);
  if (!fits) faults.push(`${workgroups.join('×')} workgroups`);
  return faults;
}

describe('programs for the graphics card', () => {
  for (const isSoftware of [false, true]) {
    it(`are whole, made for a ${isSoftware ? 'processor' : 'card'}`, () => {
      for (const memoryBytes of [16_384, 32_768]) {
        const recording = recordDevice(isSoftware, memoryBytes);
        for (const size of sizes) convolve(recording, size);
        learn(recording);
        const { dispatches } = recording;
        expect(dispatches.length).greaterThan(100);
        for (const dispatch of dispatches)
          expect(faultsOf(dispatch), dispatch.label).deep.equal([]);
      }
    });
  }

  it('that are not whole are told', () => {
    const faults = (code: string): string[] => faultsOf({ label: '', code, workgroups: [1] });
    expect(faults('let a = undefined;')).deep.equal(['"undefined" in the text']);
    expect(faults('fn main() { x[1)]; }')).not.deep.equal([]);
    expect(faults('fn main() {')).deep.equal(['{ not closed']);
    expect(faults('@group(0) @binding(0) var<storage, read> x: array<f32>;')).deep.equal([
      'x is not used',
    ]);
    expect(faultsOf({ label: '', code: '', workgroups: [65_536, 1, 1] })).deep.equal([
      '65536×1×1 workgroups',
    ]);
  });

  it('of one name are of one text', () => {
    const texts = new Map<string, string>();
    for (let run = 0; run < 2; run++) {
      const recording = recordDevice(false);
      for (const size of sizes) convolve(recording, size);
      learn(recording);
      for (const { label, code } of recording.dispatches) {
        expect(texts.get(label) ?? code, label).equal(code);
        texts.set(label, code);
      }
    }
  });
});
