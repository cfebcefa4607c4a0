import { openEngine } from '../../src/compute/index.ts';
import { opsSuite } from './ops-suite.ts';

opsSuite('own kernels in the wasm heap', () => openEngine({ backend: 'wasm' }));
