/** A reproduction of seconds: three hospitals, patients of 16³ voxels, nets of a few hundred parameters. */
import { loadPreset, type Override, type RunSettings } from '../../../src/config/index.ts';

export const tinyPreset = `
preset: tiny
consortium:
  hospitals:
    - { id: L1, cases: { hps: 2, ms: 2, calc: 2, test: 2 } }
    - { id: L2, cases: { hps: 1, calc: 1, unlabelled: 1, test: 1 } }
    - { id: L3, cases: { unlabelled: 1, test: 1 } }
phantom: { shape: [16, 16, 16], spacingMm: [6, 6, 6], calciumShare: 1 }
models:
  teacher: { features: [2, 4], strides: [1, 2], convsPerStage: 1, deepSupervision: false }
  student: { featureSize: 4, depths: [1, 1], numHeads: [2, 2], window: 4 }
training:
  patch: [16, 16, 16]
  pointRadiusMm: 9
  teacher: { rounds: 2, stepsPerRound: 2, batch: 1 }
  student: { rounds: 2, stepsPerRound: 2, batch: 1 }
consensus: { viewTimeoutMs: 2000, resendMs: 300, resendMsMax: 2000 }
network: { inboundConnectionThreshold: 200, reverseDialAfterMs: 1000, redialMsMin: 100, redialMsMax: 1000 }
peer: { tickMs: 200 }
`;

export function tinySettings(overrides: readonly Override[] = []): RunSettings {
  return loadPreset(tinyPreset, 'tiny.yaml', overrides);
}
