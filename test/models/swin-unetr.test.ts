/** The transformer on our kernels, fast enough for every run. */
import { swinUnetrSuite } from './swin-unetr-suite.ts';

swinUnetrSuite('wasm');
