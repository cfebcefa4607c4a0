/**
 * Jobs of the training workers that give a hospital something of the models it helped to train: errors on a case of its
 * own, a picture, a folder that `annulus predict` takes.
 */
import type { Store } from '../base/index.ts';
import type { TaskId } from '../data/index.ts';
import {
  CaseStore,
  encodeStudent,
  heldOutScene,
  sizeFor,
  slicesOf,
  type CheckArgs,
  type EvaluateArgs,
  type HospitalJobs,
  type PatchSize,
  type PictureArgs,
  type Score,
  type Slice,
  type StudentPackage,
} from '../distill/index.ts';
import { replacePrivateFolder } from '../host/index.ts';
import { medianWithMissed, type ModelSpec, type Triple } from '../models/index.ts';
import { modelDigest } from '../weights/index.ts';
import { HospitalError } from './errors.ts';
import { readModelAt, type ModelAt } from './model-jobs.ts';
import type { CasesAt } from './round-jobs.ts';

/** A model to try on one held-out case. */
export type EvaluateModelArgs = Omit<CheckArgs & EvaluateArgs, 'weights' | 'from' | 'casesMax'> & {
  readonly model: ModelAt;
};

/** What it is worth there. */
export interface HeldOutErrors {
  readonly loss: number | null;
  /** By task: the median over its points, or the Dice. A task without a number is left out. */
  readonly errors: readonly {
    readonly task: Score['task'];
    readonly unit: 'mm' | 'dice';
    readonly value: number;
  }[];
}

/** A model to show on one held-out case. */
export type PictureModelArgs = Omit<PictureArgs, 'weights' | 'caseIndex'> & {
  readonly model: ModelAt;
  /** A case with a label of one of these is preferred. */
  readonly tasks: readonly TaskId[];
};

/** What it found. */
export interface HeldOutPicture {
  readonly slices: readonly Slice[];
}

/** A model to put into a folder of its own. */
export interface PackageModelArgs extends Pick<StudentPackage, 'spec' | 'digest' | 'spacingMm'> {
  readonly model: ModelAt;
  readonly cases: CasesAt;
  readonly patch: PatchSize;
  /** The folder; what was there is replaced. */
  readonly into: string;
}

type Jobs = Pick<HospitalJobs, 'check' | 'evaluate' | 'labelled' | 'picture'>;

/** See the file's header. */
export class ResultJobs {
  readonly #jobs: Jobs;
  readonly #openStore: (folder: string) => Store;

  constructor(jobs: Jobs, openStore: (folder: string) => Store) {
    this.#jobs = jobs;
    this.#openStore = openStore;
  }

  /** On the first held-out case with a label of the tasks; null when there is none. */
  async evaluateModel({ model, ...args }: EvaluateModelArgs): Promise<HeldOutErrors | null> {
    const from = await this.#jobs.labelled(args);
    if (from === null) return null;
    const given = { ...args, weights: await readModelAt(this.#openStore, model, args.spec) };
    const loss = await this.#jobs.check(given);
    const [held] = await this.#jobs.evaluate({ ...given, from, casesMax: 1 }, () => undefined);
    return { loss, errors: errorsOf(held?.scores ?? []) };
  }

  /** Slices of a held-out case with what the model found; null when none is held out. */
  async pictureModel({ model, tasks, ...args }: PictureModelArgs): Promise<HeldOutPicture | null> {
    const caseIndex = (await this.#jobs.labelled({ ...args, tasks })) ?? 0;
    const weights = await readModelAt(this.#openStore, model, args.spec);
    const pictured = await this.#jobs.picture({ ...args, weights, caseIndex });
    return pictured === null ? null : { slices: slicesOf(heldOutScene(pictured)) };
  }

  /** Leaves the files of `encodeStudent`, all of them or none. @throws {HospitalError} 'bad_model' */
  async packageModel(args: PackageModelArgs): Promise<void> {
    const { model, spec, spacingMm, cases, patch, into, digest } = args;
    const weights = await readModelAt(this.#openStore, model, spec);
    const found = modelDigest(weights);
    if (found !== digest) throw new HospitalError({ code: 'bad_model', digest, found });
    const { intensity } = cases;
    const window = await this.#windowOf(cases, patch, spec);
    const files = encodeStudent({ spec, weights, intensity, spacingMm, window });
    await replacePrivateFolder(into, files);
  }

  /** The patch; of a model that learnt from whole volumes, the size of one of this hospital. */
  async #windowOf(at: CasesAt, patch: PatchSize, spec: ModelSpec): Promise<Triple> {
    if (patch !== 'whole') return patch;
    const cases = new CaseStore(this.#openStore(at.folder), at.intensity);
    for (const split of ['train', 'test'] as const) {
      const [first] = await cases.ids(split);
      if (first === undefined) continue;
      const [depth, height, width] = (await cases.read(split, first)).image.shape;
      return sizeFor(patch, [bounded(depth), bounded(height), bounded(width)], spec);
    }
    return sizeFor(patch, [usualSide, usualSide, usualSide], spec);
  }
}

/** Longest side of a window that `decodeStudent` takes. */
const sideMax = 512;
/** For a member without a case: a heart at 1.5 mm. */
const usualSide = 128;

function bounded(side: number): number {
  return Math.min(side, sideMax);
}

/** One number for each task. A missed point is further off than any other: where half of them are, there is no median. */
export function errorsOf(scores: readonly Score[]): HeldOutErrors['errors'] {
  return [...new Set(scores.map(({ task }) => task))].flatMap((task) => {
    const of = scores.filter((score) => score.task === task);
    const isPoints = of.every(({ kind }) => kind === 'point');
    // A segmentation has one score, and none where the structure is absent.
    const value = isPoints
      ? medianWithMissed(of.map(({ errorMm }) => errorMm))
      : (of[0]?.dice ?? null);
    return value === null ? [] : [{ task, unit: isPoints ? 'mm' : 'dice', value }];
  });
}
