import { expect } from 'chai';

import {
  instantiateKernels,
  portableBuild,
  type RawKernels,
} from '../../../../src/compute/heap/wasm/module.ts';

function kernelsOn(memory: WebAssembly.Memory): RawKernels {
  return instantiateKernels(portableBuild(), memory, false).kernels;
}

describe('kernel module', () => {
  it('brings no data of its own into the heap that belongs to TF.js', () => {
    // Any data segment would be out of bounds in a memory of no pages.
    const kernels = kernelsOn(new WebAssembly.Memory({ initial: 0 }));
    expect(kernels.windowGemm).a('function');
  });

  it('exports every kernel that the room calls', () => {
    const kernels = kernelsOn(new WebAssembly.Memory({ initial: 1 }));
    const functions = Object.entries(kernels).filter(([, value]) => typeof value === 'function');
    expect(functions.map(([name]) => name)).members([
      ...['windowGemm', 'windowGradient', 'pad', 'packWeights', 'unpackGradient'],
      ...['addSums', 'winogradForward', 'winogradGradient', 'winogradSums', 'winogradWeights'],
      ...['columnSums', 'copyRows', 'instanceMoments', 'instanceNorm', 'instanceNormSums'],
      'instanceNormSpread',
      ...['leakyRelu', 'add', 'lossSums', 'lossSpread', 'scale', 'adamW', 'sgd'],
      'windowAttention',
      ...['windowAttentionGradient', 'windowAttentionScratch', 'layerNorm', 'layerNormGradient'],
      ...['gelu', 'windows', 'mergePatches', 'gatherBias', 'gatherBiasGradient'],
    ]);
  });

  it('sums windows of a row as the definition says', () => {
    // One row of 5 points, one channel, taps 2, 3, 4 for the one output; no padding: 3 outputs.
    const memory = new WebAssembly.Memory({ initial: 1 });
    const kernels = kernelsOn(memory);
    const floats = new Float32Array(memory.buffer);
    const words = new Int32Array(memory.buffer);
    const [params, table, input, weights, output] = [256, 512, 4096, 8192, 12288] as const;
    floats.set([1, -1, 2, 0.5, 3], input / 4);
    [2, 3, 4].forEach((tap, r) => {
      floats[weights / 4 + 4 * r] = tap; // a last tile of one channel is four wide
    });
    words.set(
      [
        ...[input, weights, 0, output, 1, 1, 0, 0, 3, 1, table],
        ...[1, 1, 3, 0, 0, 0, 4, 0, 0, 0, 4],
      ],
      params / 4,
    );
    kernels.windowGemm(params, 0, 3);
    // 2·1 - 3·1 + 4·2; -2·1 + 3·2 + 4·0.5; 2·2 + 3·0.5 + 4·3; and nothing after.
    expect([...floats.subarray(output / 4, output / 4 + 4)]).deep.equal([7, 6, 17.5, 0]);
  });
});
