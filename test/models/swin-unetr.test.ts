/** The transformer on our kernels, fast enough for every run. */
import { backends } from './backends.ts';
import { swinUnetrSuite } from './swin-unetr-suite.ts';

for (const backend of backends.filter((name) => name !== 'cpu')) swinUnetrSuite(backend);
