import { openEngine, type Engine } from '../../../../src/compute/index.ts';
import { opsSuite } from '../../ops/ops-suite.ts';

opsSuite('own kernels in the wasm heap', () => openEngine({ backend: 'wasm' }));
opsSuite('own kernels without relaxed SIMD', openWithoutRelaxedSimd);

/** The engine as it opens where WebAssembly refuses the module with relaxed instructions. */
async function openWithoutRelaxedSimd(): Promise<Engine> {
  const original = WebAssembly.validate;
  let refusals = 0;
  // The probes by which TF.js asks for its own features are a few bytes long.
  WebAssembly.validate = (bytes): boolean => {
    if (bytes.byteLength < 1000) return original(bytes);
    refusals += 1;
    return false;
  };
  try {
    const engine = await openEngine({ backend: 'wasm' });
    if (refusals === 0) throw new Error('the engine did not ask whether relaxed SIMD is there');
    return engine;
  } finally {
    WebAssembly.validate = original;
  }
}
