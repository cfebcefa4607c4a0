import { expect } from 'chai';
import { listBackends, openEngine } from '../../src/compute/index.ts';
import { ownKernels } from '../../src/compute/wasm-ops.ts';
import { gpuKernelNames } from '../../src/compute/webgpu/kernels.ts';
import { opsSuite } from './ops-suite.ts';

describe('kernels of the graphics card', () => {
  it('are there for every kernel of ours', () => {
    expect(gpuKernelNames).members(ownKernels.map(({ name }) => name));
  });
});

const gpu = (await listBackends()).find(({ name }) => name === 'webgpu');
if (gpu?.available !== true) {
  process.stdout.write('no graphics adapter: the operations are not tested on WebGPU\n');
} else {
  opsSuite(`own kernels on ${gpu.detail}`, () => openEngine({ backend: 'webgpu' }));
}
