import { findGpu, openEngine } from '../../src/compute/index.ts';
import { opsSuite } from './ops-suite.ts';

const gpu = await findGpu();
if (gpu === null) {
  process.stdout.write('no graphics adapter: the operations are not tested on WebGPU\n');
} else {
  opsSuite(`own kernels on ${gpu.description}`, () => openEngine({ backend: 'webgpu' }));
}
