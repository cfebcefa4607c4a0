/** How long and how hard the two steps train: the teachers, then the student. */
import { heartUses, optimiserKinds, type HeartUse, type OptimiserKind } from '../distill/index.ts';
import {
  schedules,
  travelCompressions,
  type Schedule,
  type TravelCompression,
} from '../wire/index.ts';
import { checkHeardAgain, mixingDefaults, type MixingSettings } from './mixing-settings.ts';
import { robustDefaults, type RobustSettings } from './robust-settings.ts';
import { checkChoice, checkInteger, checkNumber, SettingError } from '../base/index.ts';

/**
 * Plain averaging (McMahan et al. 2017); with a pull to the round's start (FedProx, Li et al. 2020); or with momentum
 * over the rounds (DiLoCo, Douillard et al. 2023).
 */
export const federations = ['fedavg', 'fedprox', 'diloco'] as const;

/** How the hospitals of a stage learn together: one of `federations`. */
export type Federation = (typeof federations)[number];

/**
 * How the mean of the updates is made. Every hospital gets every update and averages all of it; or each averages some shards
 * and all exchange the sums, which gives the same model; or the second among more than 16 hospitals and else the first; or
 * neighbours exchange what they hold, step by step.
 */
export const averagings = ['by-size', 'exact', 'sharded', 'mixing'] as const;

/** How the mean of the updates is made: one of `averagings`. */
export type Averaging = (typeof averagings)[number];

/** How updates, in a mixing the states, are rounded on their way between hospitals. docs/decisions/028 */
export const compressions: readonly ('none' | TravelCompression)[] = [
  'none',
  ...travelCompressions,
];

/** One kind of stage. All hospitals agree on it in the manifest. */
export interface StageSettings {
  /** Federated rounds, 0 to 100000, of the student 1 to 100000. */
  readonly rounds: number;
  /** Optimiser steps each hospital makes in a round, 1 to 100000. A budget of steps, not of epochs: a large hospital does not keep the others waiting. */
  readonly stepsPerRound: number;
  /** Peak of the learning rate, 0.000001 to 1. */
  readonly learningRate: number;
  /** How the rate changes from round to round: `constant`, `cosine` or `poly`, as nnU-Net. */
  readonly schedule: Schedule;
  /** `adamw`, or `sgd` with Nesterov momentum, as nnU-Net. */
  readonly optimiser: OptimiserKind;
  /** How hospitals learn together: `fedavg`, `fedprox` or `diloco`. */
  readonly federation: Federation;
  /** 0 to 1: AdamW's decoupled one, or gradient descent's share of the parameter added to the gradient. */
  readonly weightDecay: number;
  /** Patches in a step, 1 to 64. */
  readonly batch: number;
  /** Folder of the model to begin from, as `annulus import` or a run writes it; empty for fresh weights. The plan has its digest. */
  readonly start: string;
}

/** What is trained how long, and how updates are averaged. All hospitals agree on it in the manifest. */
export interface TrainingSettings {
  /** Voxels of a training patch along [depth, height, width], 8 to 256 each, or `whole`. */
  readonly patch: readonly number[] | 'whole';
  /** A point becomes a sphere of this radius in mm, 1 to 20: large enough to be found on the grid, small enough not to touch its neighbour. */
  readonly pointRadiusMm: number;
  /** The heart's segmentation: `none`, `condition` (a second input of all models) or `head` (one more head of the student). */
  readonly heart: HeartUse;
  /** Nesterov's, of the stages that descend by `sgd`, 0 to 0.9999. */
  readonly momentum: number;
  /** Largest joint norm of a step's gradients, 0 to 1000000; 0 for no limit. */
  readonly clipNorm: number;
  /** Whether the optimiser begins every round anew. */
  readonly resetOptimiser: boolean;
  /** Pull of the stages with `fedprox` back to the round's start, 0 to 100. */
  readonly proxMu: number;
  /** What the stages with `diloco` multiply the mean change with, 0.001 to 10. */
  readonly outerLearningRate: number;
  /** Nesterov's, of the stages with `diloco`, 0 to 0.999. */
  readonly outerMomentum: number;
  readonly teacher: StageSettings;
  readonly student: StageSettings;
  /** From OPEN until updates are late, milliseconds, 1000 to 86400000. */
  readonly roundTimeoutMs: number;
  /** How many times what a stage's rounds took a round is waited for, 0 to 100, at most `roundTimeoutMs`; 0 for that always, else 1 at least. */
  readonly deadlineFactor: number;
  /** How the mean is made: `by-size`, `exact`, `mixing` or, from 4 hospitals on, `sharded`. */
  readonly averaging: Averaging;
  /** How what travels is rounded: `none`, `int8` (a byte for each number) or `bf16`; what an update leaves out goes into the next one. */
  readonly compression: 'none' | TravelCompression;
  /** Most samples a hospital may weigh with, 1 to 1000000: bounds what one member can claim. */
  readonly samplesCap: number;
  /** A single parameter's change in a round is clamped to this, 0.001 to 64: bounds the integer sum. */
  readonly clamp: number;
  /** Of `mixing`. */
  readonly mixing: MixingSettings;
  /** What keeps updates far from the others from moving the average. */
  readonly robust: RobustSettings;
}

/** Between the paper's published rates (0.01 for U-Nets, 0.0008 for the transformer) and what small nets like. */
export const trainingDefaults: TrainingSettings = Object.freeze({
  patch: Object.freeze([32, 32, 32]),
  pointRadiusMm: 6,
  heart: 'none',
  momentum: 0.99,
  clipNorm: 0,
  resetOptimiser: false,
  proxMu: 0.01,
  outerLearningRate: 0.7,
  outerMomentum: 0.9,
  teacher: Object.freeze({
    rounds: 6,
    stepsPerRound: 30,
    learningRate: 0.004,
    schedule: 'poly',
    optimiser: 'adamw',
    federation: 'fedavg',
    weightDecay: 0.01,
    batch: 2,
    start: '',
  }),
  student: Object.freeze({
    rounds: 8,
    stepsPerRound: 30,
    learningRate: 0.001,
    schedule: 'poly',
    optimiser: 'adamw',
    federation: 'fedavg',
    weightDecay: 0.01,
    batch: 2,
    start: '',
  }),
  roundTimeoutMs: 300_000,
  deadlineFactor: 0,
  averaging: 'by-size',
  compression: 'none',
  samplesCap: 100,
  clamp: 1,
  mixing: mixingDefaults,
  robust: robustDefaults,
});

/** @throws {SettingError} naming the key out of range. */
export function validateTraining(settings: TrainingSettings): void {
  checkPatch(settings.patch);
  checkNumber('pointRadiusMm', settings.pointRadiusMm, 1, 20);
  checkChoice('heart', settings.heart, heartUses);
  checkNumber('momentum', settings.momentum, 0, 0.9999);
  checkNumber('clipNorm', settings.clipNorm, 0, 1_000_000);
  checkNumber('proxMu', settings.proxMu, 0, 100);
  checkNumber('outerLearningRate', settings.outerLearningRate, 0.001, 10);
  checkNumber('outerMomentum', settings.outerMomentum, 0, 0.999);
  checkInteger('roundTimeoutMs', settings.roundTimeoutMs, 1_000, 86_400_000);
  checkNumber('deadlineFactor', settings.deadlineFactor, 0, 100);
  checkChoice('averaging', settings.averaging, averagings);
  checkChoice('compression', settings.compression, compressions);
  checkInteger('samplesCap', settings.samplesCap, 1, 1_000_000);
  checkNumber('clamp', settings.clamp, 0.001, 64);
  if (settings.averaging === 'mixing' && settings.compression !== 'none') {
    checkHeardAgain(settings.mixing);
  }
  if (settings.averaging === 'mixing' && settings.robust.kind !== 'none') {
    throw new SettingError(
      'averaging',
      'exact, with a robust rule: in a mixing nobody sees all updates',
      settings.averaging,
    );
  }
}

/** @throws {SettingError} naming the key out of range. */
export function validateStage(stage: StageSettings): void {
  checkInteger('rounds', stage.rounds, 0, 100_000);
  checkInteger('stepsPerRound', stage.stepsPerRound, 1, 100_000);
  checkNumber('learningRate', stage.learningRate, 1e-6, 1);
  checkChoice('schedule', stage.schedule, schedules);
  checkChoice('optimiser', stage.optimiser, optimiserKinds);
  checkChoice('federation', stage.federation, federations);
  checkNumber('weightDecay', stage.weightDecay, 0, 1);
  checkInteger('batch', stage.batch, 1, 64);
}

/** The student is what a run is for. @throws {SettingError} naming the key out of range. */
export function validateStudentStage(stage: StageSettings): void {
  checkInteger('rounds', stage.rounds, 1, 100_000);
  validateStage(stage);
}

function checkPatch(patch: TrainingSettings['patch']): void {
  if (typeof patch === 'string') {
    checkChoice('patch', patch, ['whole']);
    return;
  }
  if (patch.length !== 3) throw new SettingError('patch', 'three lengths', `${patch.length}`);
  for (const length of patch) checkInteger('patch', length, 8, 256);
}
