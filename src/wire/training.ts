/**
 * How the participants of a stage train: agreed in the plan, repeated in OPEN. The names, kinds and ranges stand here
 * because every member refuses the same bytes, also one that trains nothing; what the numbers do to a model is known to
 * the rooms that train. Fractions are whole millionths (`…Micro`). docs/specs/manifest.md
 */
import {
  arr,
  bool,
  checked,
  int,
  literal,
  obj,
  optional,
  unionBy,
  type Reader,
} from './readers.ts';

/** Where patches are cut and how they are disturbed: least and greatest value of each number, × 10^6. */
export const samplingRangesMicro = {
  foregroundShare: [0, 1_000_000],
  rotationProbability: [0, 1_000_000],
  rotationDegMax: [0, 45_000_000],
  scaleProbability: [0, 1_000_000],
  scaleDownShareMax: [0, 500_000],
  scaleUpShareMax: [0, 1_000_000],
  noiseProbability: [0, 1_000_000],
  noiseStdDevMax: [0, 1_000_000],
  blurProbability: [0, 1_000_000],
  blurSigmaMin: [0, 5_000_000],
  blurSigmaMax: [0, 5_000_000],
  brightnessProbability: [0, 1_000_000],
  brightnessShareMax: [0, 900_000],
  contrastProbability: [0, 1_000_000],
  contrastShareMax: [0, 900_000],
  lowResolutionProbability: [0, 1_000_000],
  lowResolutionMin: [100_000, 1_000_000],
  invertedGammaProbability: [0, 1_000_000],
  gammaProbability: [0, 1_000_000],
  gammaDownShareMax: [0, 900_000],
  gammaUpShareMax: [0, 2_000_000],
  scannerGainShareMax: [0, 500_000],
  scannerOffsetMax: [0, 1_000_000],
  scannerNoiseStdDevMax: [0, 500_000],
} as const;

/** A number of `samplingRangesMicro`. */
export type SamplingName = keyof typeof samplingRangesMicro;

/** The numbers of `samplingRangesMicro`, each under its name and `Micro`. */
export type PlanSampling = Readonly<Record<`${SamplingName}Micro`, number>>;

/** The optimiser of the participants, by `kind`. */
export type PlanOptimiser =
  | {
      readonly kind: 'adamw';
      /** 0 to 1 000 000. */
      readonly weightDecayMicro: number;
    }
  | {
      readonly kind: 'sgd';
      /** 0 to 1 000 000. */
      readonly weightDecayMicro: number;
      /** Nesterov's, 0 to 999 999. */
      readonly momentumMicro: number;
    };

/** How the student's teachers are asked, and what it makes of their answers. */
export interface PlanDistillation {
  /** Passes over each image, 1 to 64. */
  readonly passes: number;
  /** 0 to 30 degrees × 10^6. */
  readonly rotationDegMaxMicro: number;
  /** 0 to 300 000. */
  readonly scaleShareMaxMicro: number;
  readonly targets: 'hard' | 'soft';
  /** 250 000 to 10 000 000. */
  readonly temperatureMicro: number;
  /** 0 to 1 000 000. */
  readonly confidenceMinMicro: number;
  readonly weightByUncertainty: boolean;
}

/** What is the same in every round of a stage. */
export interface Training {
  /** Voxels of a training patch along [depth, height, width], 8 to 256 each, or `whole` volumes. */
  readonly patch: 'whole' | readonly [number, number, number];
  /** Patches in a step, 1 to 64. */
  readonly batch: number;
  readonly optimiser: PlanOptimiser;
  /** Largest joint norm of a step's gradients × 10^6, up to 10^12; 0 for no limit. */
  readonly clipNormMicro: number;
  /** FedProx's μ × 10^6, up to 10^8; 0 for none. */
  readonly proxMuMicro: number;
  /** Whether the optimiser forgets at the end of a round. */
  readonly resetOptimiser: boolean;
  readonly sampling: PlanSampling;
  /** The student's; absent for a teacher. */
  readonly distillation?: PlanDistillation;
}

/** All that a participant must know to train in one round beside the base: `Open.hp`. */
export interface Hyperparameters extends Training {
  /** The plan's seed. */
  readonly seed: number;
  /** Optimiser steps to make. */
  readonly steps: number;
  /** Learning rate of this round × 10^6. */
  readonly lrMicro: number;
}

/** Optimiser steps of one participant in one round. */
export const readSteps: Reader<number> = int(1, 2 ** 31 - 1);
/** A learning rate × 10^6. */
export const readRateMicro: Reader<number> = int(1, 1_000_000);
/** The seed of a plan. */
export const readSeed: Reader<number> = int(0, Number.MAX_SAFE_INTEGER);

const share = int(0, 1_000_000);

const readTriple: Reader<readonly number[]> = arr(int(8, 256), 3, 3);
const readPatch: Reader<Training['patch']> = (value, path) =>
  value === 'whole' ? 'whole' : (readTriple(value, path) as readonly [number, number, number]);

const readOptimiser: Reader<PlanOptimiser> = unionBy<PlanOptimiser>('kind', {
  adamw: obj({ kind: literal('adamw'), weightDecayMicro: share }),
  sgd: obj({ kind: literal('sgd'), weightDecayMicro: share, momentumMicro: int(0, 999_999) }),
});

const readSampling: Reader<PlanSampling> = checked(
  obj(
    Object.fromEntries(
      Object.entries(samplingRangesMicro).map(([name, [least, greatest]]) => [
        `${name}Micro`,
        int(least, greatest),
      ]),
    ) as Record<`${SamplingName}Micro`, Reader<number>>,
  ),
  ({ blurSigmaMinMicro, blurSigmaMaxMicro }) =>
    blurSigmaMinMicro > blurSigmaMaxMicro ? 'blurSigmaMin not above blurSigmaMax' : null,
);

const readDistillation: Reader<PlanDistillation> = obj({
  passes: int(1, 64),
  rotationDegMaxMicro: int(0, 30_000_000),
  scaleShareMaxMicro: int(0, 300_000),
  targets: literal('hard', 'soft'),
  temperatureMicro: int(250_000, 10_000_000),
  confidenceMinMicro: share,
  weightByUncertainty: bool,
});

const trainingShape = {
  patch: readPatch,
  batch: int(1, 64),
  optimiser: readOptimiser,
  clipNormMicro: int(0, 1e12),
  proxMuMicro: int(0, 100_000_000),
  resetOptimiser: bool,
  sampling: readSampling,
  distillation: optional(readDistillation),
};

/** Reads what a stage says of its training: every entry, no other, each in its range. @throws {WireError} 'malformed' */
export const readTraining: Reader<Training> = obj(trainingShape);

/** Reads what OPEN says of a round's training. @throws {WireError} 'malformed' */
export const readHyperparameters: Reader<Hyperparameters> = obj({
  ...trainingShape,
  seed: readSeed,
  steps: readSteps,
  lrMicro: readRateMicro,
});
