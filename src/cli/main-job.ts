/** What the commands ask of the rooms below. `wiring.ts` says who answers. */
import type { RunSettings } from '../config/index.ts';
import type { ReadingSettings } from '../data/index.ts';
import type { OnProgress, ReproductionRecord, RunRecord } from '../report/index.ts';
import type { OnReproduceProgress, ReproducePorts, MainJobPorts } from '../experiment/index.ts';

/** The main job, from phantoms to the record of the run. */
export type RunMainJob = (
  settings: RunSettings,
  ports: MainJobPorts,
  onProgress: OnProgress,
) => Promise<RunRecord>;

/** The paper's six arms over several seeds. */
export type RunReproduce = (
  settings: RunSettings,
  ports: ReproducePorts,
  onProgress: OnReproduceProgress,
) => Promise<ReproductionRecord>;

export interface PredictRequest {
  /** Files of the model's folder by name. */
  readonly model: ReadonlyMap<string, Uint8Array>;
  /** A NIfTI file, `.nii` or `.nii.gz`. */
  readonly image: Uint8Array;
  /** What the image is called in messages. */
  readonly imageName: string;
  /** A segmentation of the heart as NIfTI, with its name; null when none is given. */
  readonly heart: { readonly bytes: Uint8Array; readonly name: string } | null;
  /** How the two are read where they can be read in more than one way; the defaults when absent. */
  readonly reading?: Partial<ReadingSettings>;
  readonly backend: string;
  readonly precision: string;
  /** What the person at the terminal should know of the choice. */
  readonly onNote: (text: string) => void;
  readonly onProgress: (done: number, total: number) => void;
}

export interface PredictResult {
  /** Files to write, by name. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** What was found, a line each. */
  readonly lines: readonly string[];
  /** The same as data for scripts. */
  readonly document: Readonly<Record<string, unknown>>;
  /** Why a heart cannot be so, a line each, to be shown where it cannot be missed; empty when it can. */
  readonly warning: readonly string[];
}

export type RunPredict = (request: PredictRequest) => Promise<PredictResult>;
