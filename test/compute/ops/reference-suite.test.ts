import { openEngine } from '../../../src/compute/index.ts';
import { opsSuite } from './ops-suite.ts';

opsSuite('the reference on the cpu backend', () => openEngine({ backend: 'cpu' }));
