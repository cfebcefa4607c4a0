/**
 * The downstream test: a landmark that no task taught, learnt by a probe on a frozen backbone from a few phantoms of a
 * hospital that took no part. The distilled SwinUNETR's backbone against that of the federated U-Net of the points.
 */
import { join } from 'node:path';
import {
  hospitalDefaults,
  type HospitalSettings,
  patchOf,
  type RunSettings,
} from '../../config/index.ts';
import type { LandmarkName } from '../../data/index.ts';
import {
  adamWDefaults,
  intensityDefaults,
  sizeFor,
  type LandmarkFound,
  type TransferArgs,
} from '../../distill/index.ts';
import { expertGeneration, specAndTasks } from '../../hospital/index.ts';
import { caseJobs, type CaseJob } from '../run/run-cases.ts';
import type { ModelWeights } from '../../weights/index.ts';
import type { Arm, Experiment } from './experiments.ts';
import { sharing, workMs } from './progress.ts';
import type { SeedOptions } from './seed-options.ts';

/** The middle of the sinotubular junction: near the points that were taught, and not one of them. */
export const downstreamLandmark: LandmarkName = 'STJ';
/** As few as an expert labels in an hour. */
export const downstreamTrainingCount = 8;
const searchedCount = 24;
const stepsMax = 200;
const learningRate = 0.01;

/** What one backbone was worth. */
export interface Downstream {
  readonly arm: Arm['id'];
  readonly found: readonly LandmarkFound[];
}

/** Whether a model's backbone is put to the test. */
export function isBackbone({ arm, tasks }: Experiment): boolean {
  return arm.id === 'swin-distilled' || (arm.id === 'unet-federated' && tasks.includes('hps'));
}

/** Optimiser steps of the head: no more than the student had. */
export function downstreamSteps({ training }: RunSettings): number {
  return Math.min(stepsMax, training.student.rounds * training.student.stepsPerRound);
}

/** All of the downstream test of one seed, in the unit of `workMs`. */
export function downstreamWork(settings: RunSettings): number {
  const phantoms = (downstreamTrainingCount + searchedCount) * workMs.phantom;
  return phantoms + 2 * probeWork(settings);
}

/** The phantoms of a hospital that took no part. All are held out, so that the truth of each is on the disk. */
export function downstreamCases(options: SeedOptions): Promise<CaseJob[]> {
  const { settings } = options;
  const hospital: HospitalSettings = {
    id: 'downstream',
    ...hospitalDefaults,
    cases: { ...hospitalDefaults.cases, test: downstreamTrainingCount + searchedCount },
  };
  const consortium = { ...settings.consortium, hospitals: [hospital] };
  return caseJobs({ ...settings, consortium }, () => at(options).folder);
}

/**
 * Trains a probe on the backbone of one model and searches for the landmark in the other cases; read from the journal if done before.
 *
 * @param experiment the model's, for which `isBackbone` holds
 * @throws {DistillError} 'diverged'; what the pool's job throws
 */
export async function testDownstream(
  options: SeedOptions,
  { id, arm, stage }: Experiment,
  weights: ModelWeights,
): Promise<Downstream> {
  const { settings, journal, pool, meter } = options;
  const { training, sampling, inference } = settings;
  const { spec } = specAndTasks(stage);
  const window = patchOf(training);
  const patch = sizeFor(window, settings.phantom.shape, spec);
  const optimiser = {
    ...adamWDefaults,
    lr: learningRate,
    weightDecay: training.student.weightDecay,
  };
  const args: TransferArgs = {
    ...at(options),
    ...{ spec, weights, landmark: downstreamLandmark },
    trainingCount: downstreamTrainingCount,
    // One seed for both backbones: the same patches.
    training: {
      ...{ steps: downstreamSteps(settings), patch, optimiser, sampling },
      seed: `${settings.seed}/downstream`,
    },
    pointRadiusMm: training.pointRadiusMm,
    inference: { ...inference, window },
  };
  const work = probeWork(settings);
  const make = (): Promise<LandmarkFound[]> =>
    pool.run('transfer', args, { onProgress: sharing(work, meter) }) as Promise<LandmarkFound[]>;
  const found = await journal.once(`downstream/${id}`, make, () => {
    meter.found(work);
  });
  return { arm: arm.id, found };
}

function probeWork(settings: RunSettings): number {
  return downstreamSteps(settings) * workMs.probeStep + searchedCount * workMs.volume;
}

function at({ folder }: SeedOptions): Pick<TransferArgs, 'folder' | 'intensity' | 'generation'> {
  return {
    folder: join(folder, 'downstream', 'cases'),
    intensity: intensityDefaults,
    generation: expertGeneration,
  };
}
