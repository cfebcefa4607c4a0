/** A student with heads for all tasks, small enough to be written, read and run in a test. */
import { seededRandom } from '../../src/base/index.ts';
import { intensityDefaults, type StudentPackage } from '../../src/distill/index.ts';
import { initialWeights, type SwinUnetrSpec } from '../../src/models/index.ts';

export const smallSpec: SwinUnetrSpec = {
  kind: 'swin-unetr',
  inChannels: 1,
  featureSize: 6,
  depths: [1, 1],
  numHeads: [2, 2],
  window: 4,
  heads: { calc: 2, hps: 6, ms: 3 },
};

export const smallStudent: Omit<StudentPackage, 'digest'> = {
  spec: smallSpec,
  weights: initialWeights(smallSpec, seededRandom('student')),
  intensity: intensityDefaults,
  spacingMm: [3, 2.5, 2],
  window: [16, 16, 24],
};
