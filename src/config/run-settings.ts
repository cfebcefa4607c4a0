/** Everything a run depends on, composed of the rooms' own settings. */
import { consensusDefaults, type ConsensusSettings } from '../consensus/index.ts';
import { phantomDefaults, type PhantomSettings } from '../data/index.ts';
import {
  distillationDefaults,
  inferenceDefaults,
  samplingDefaults,
  type DistillationSettings,
  type InferenceSettings,
  type SamplingSettings,
} from '../distill/index.ts';
import { logDefaults, type LogSettings } from '../host/index.ts';
import { networkDefaults, type NetworkSettings } from '../network/index.ts';
import { peerDefaults, type PeerSettings } from '../peer/index.ts';
import { computeDefaults, type ComputeSettings } from './compute-settings.ts';
import type { ConsortiumSettings } from './consortium-settings.ts';
import { modelDefaults, type ModelSettings } from './model-settings.ts';
import { trainingDefaults, type TrainingSettings } from './training-settings.ts';

/** Plain data: goes into the record of the run as it is. */
export interface RunSettings {
  /** The preset's own name, for the report: 1 to 80 characters. */
  readonly preset: string;
  /** Seed of everything drawn by chance, 0 to 4294967295. Same seed, same models. */
  readonly seed: number;
  readonly consortium: ConsortiumSettings;
  readonly phantom: PhantomSettings;
  readonly models: ModelSettings;
  readonly training: TrainingSettings;
  readonly sampling: SamplingSettings;
  readonly distillation: DistillationSettings;
  readonly inference: Omit<InferenceSettings, 'window'>;
  readonly consensus: ConsensusSettings;
  readonly peer: PeerSettings;
  readonly network: NetworkSettings;
  readonly log: LogSettings;
  readonly compute: ComputeSettings;
}

/** What a preset does not say. It must name its hospitals. */
export const runDefaults: RunSettings = Object.freeze({
  preset: 'unnamed',
  seed: 1,
  consortium: Object.freeze({ name: 'Annulus', domain: 'annulus.example', hospitals: [] }),
  phantom: phantomDefaults,
  models: modelDefaults,
  training: trainingDefaults,
  sampling: samplingDefaults,
  distillation: distillationDefaults,
  inference: inferenceDefaults,
  consensus: consensusDefaults,
  // The report draws errors over the rounds, of models of any of them.
  peer: { ...peerDefaults, modelRoundsKept: 1_000_000 },
  network: networkDefaults,
  log: logDefaults,
  compute: computeDefaults,
});
