/** The transformer on plain JavaScript: minutes, for the reference operations' sake. */
import { swinUnetrSuite } from './swin-unetr-suite.ts';

swinUnetrSuite('cpu');
