/** What each job of a hospital is asked, and what it tells while it runs: plain data, which travels between threads. */
import type {
  IntensityScale,
  LabelOrigin,
  PhantomSettings,
  TaskId,
  Volume,
} from '../data/index.ts';
import type { ModelSpec } from '../models/index.ts';
import type { ModelWeights } from '../weights/index.ts';
import type { PhantomHospital } from './cases/phantom-hospital.ts';
import type { CaseToTake } from './cases/take-case.ts';
import type { Teacher } from './label/pseudo-labels.ts';
import type { DistillationSettings } from './label/soft-labels.ts';
import type { Reference } from './predict/evaluation.ts';
import type { InferenceSettings } from './predict/inference.ts';
import type { LandmarkTransfer } from './probe/landmark-transfer.ts';
import type { OptimiserSettings, SamplingSettings } from './settings.ts';
import type { OptimiserState } from './train/optimiser.ts';
import type { PatchSize } from './train/patch-size.ts';

/** Which hospital a job is for. */
export interface AtHospital {
  /** Folder of the hospital's cases. */
  readonly folder: string;
  readonly intensity: IntensityScale;
  /** Changes when label maps were added: what a thread holds in memory of another generation is read again. */
  readonly generation: string;
}

/** Phantoms to make. */
export interface MakeCasesArgs extends AtHospital {
  readonly hospital: PhantomHospital;
  /** Indices to make, [from, to). */
  readonly from: number;
  readonly to: number;
  readonly seed: number;
  readonly phantom: PhantomSettings;
  readonly pointRadiusMm: number;
  /** Whether cases carry the heart's segmentation. */
  readonly heart: boolean;
}

/** A case of the hospital's own to take. */
export type TakeCaseArgs = AtHospital & CaseToTake;

/** A hospital's share of a round. */
export interface TrainArgs extends AtHospital {
  readonly spec: ModelSpec;
  readonly tasks: readonly TaskId[];
  /** A teacher learns from experts alone, the student from its teachers too. */
  readonly origins: readonly LabelOrigin[];
  readonly weights: ModelWeights;
  readonly state: OptimiserState | null;
  readonly steps: number;
  readonly batch: number;
  readonly patch: PatchSize;
  readonly optimiser: OptimiserSettings;
  readonly sampling: SamplingSettings;
  readonly distillation: DistillationSettings;
  readonly seed: string;
}

/** Teachers to label the training cases with. */
export interface LabelArgs extends AtHospital {
  readonly teachers: readonly Teacher[];
  readonly distillation: DistillationSettings;
  readonly inference: Omit<InferenceSettings, 'window'>;
}

/** A proposed model to try on a held-out case. */
export interface CheckArgs extends AtHospital {
  readonly spec: ModelSpec;
  readonly tasks: readonly TaskId[];
  readonly weights: ModelWeights;
  readonly patch: PatchSize;
  readonly sampling: SamplingSettings;
}

/** A held-out case that somebody labelled. */
export interface LabelledArgs extends AtHospital {
  /** With a label of at least one of these. */
  readonly tasks: readonly TaskId[];
}

/** A model to score on held-out cases. */
export interface EvaluateArgs extends AtHospital {
  readonly spec: ModelSpec;
  readonly tasks: readonly TaskId[];
  readonly weights: ModelWeights;
  readonly inference: InferenceSettings;
  /** Position of the first held-out case to look at; 0 when absent. */
  readonly from?: number;
  /** Most cases to look at; all when absent. */
  readonly casesMax?: number;
  /** Radius of a true point's sphere, mm: with it the model's calibration is taken too. */
  readonly calibrationRadiusMm?: number;
}

/** A landmark to learn by a probe, from held-out phantoms. */
export type TransferArgs = AtHospital & LandmarkTransfer;

/** What a job tells while it runs. */
export interface JobProgress {
  readonly done: number;
  readonly total: number;
  readonly loss?: number;
}

/** A held-out case to show with the prediction of a model. */
export interface PictureArgs extends AtHospital {
  readonly spec: ModelSpec;
  readonly weights: ModelWeights;
  readonly inference: InferenceSettings;
  /** Position among the held-out cases. */
  readonly caseIndex: number;
}

/** A held-out case with what the model says of it; for pictures on the hospital's own screen. */
export interface PicturedCase {
  readonly id: string;
  readonly image: Volume;
  readonly reference: Reference;
  /** Predicted label maps by task. */
  readonly maps: ReadonlyMap<string, Uint8Array>;
}
