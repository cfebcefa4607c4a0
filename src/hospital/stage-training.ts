/**
 * Between the plan's entries for training, whole numbers that all members agreed on, and the settings of the rooms that
 * train. `wire` has read the entries: none is missing, unknown or out of its range.
 */
import {
  adamWDefaults,
  distillationDefaults,
  type DistillationSettings,
  type OptimiserKind,
  type OptimiserSettings,
  type PatchSize,
  type SamplingSettings,
} from '../distill/index.ts';
import {
  samplingRangesMicro,
  type Hyperparameters,
  type PlanDistillation,
  type PlanOptimiser,
  type PlanSampling,
  type SamplingName,
  type Training,
} from '../wire/index.ts';

/** How a stage is to train, in the units of settings. Steps, learning rate and schedule are the stage's own. */
export interface StageTraining {
  readonly patch: PatchSize;
  readonly batch: number;
  readonly optimiser: OptimiserKind;
  readonly weightDecay: number;
  /** Gradient descent's; AdamW has its own moments. */
  readonly momentum: number;
  /** 0 for none. */
  readonly clipNorm: number;
  /** FedProx's μ, 0 for none. */
  readonly proxMu: number;
  /** Whether the optimiser forgets at the end of a round. */
  readonly resetOptimiser: boolean;
  readonly sampling: SamplingSettings;
  /** The student's; absent for a teacher. */
  readonly distillation?: DistillationSettings;
}

const million = 1_000_000;
const samplingNames = Object.keys(samplingRangesMicro) as SamplingName[];

function micro(value: number): number {
  return Math.round(value * million);
}

/** The entries of `PlanStage.training`: settings rounded to whole millionths. */
export function planTraining(training: StageTraining): Training {
  const { patch, batch, clipNorm, proxMu, resetOptimiser, sampling, distillation } = training;
  return {
    ...{ patch, batch },
    optimiser: planOptimiser(training),
    clipNormMicro: micro(clipNorm),
    proxMuMicro: micro(proxMu),
    resetOptimiser,
    sampling: Object.fromEntries(
      samplingNames.map((name) => [`${name}Micro`, micro(sampling[name])]),
    ) as PlanSampling,
    ...(distillation === undefined ? {} : { distillation: planDistillation(distillation) }),
  };
}

function planOptimiser({ optimiser, weightDecay, momentum }: StageTraining): PlanOptimiser {
  const weightDecayMicro = micro(weightDecay);
  switch (optimiser) {
    case 'adamw':
      return { kind: 'adamw', weightDecayMicro };
    case 'sgd':
      return { kind: 'sgd', weightDecayMicro, momentumMicro: micro(momentum) };
  }
}

function planDistillation(settings: DistillationSettings): PlanDistillation {
  const { passes, rotationDegMax, scaleShareMax, targets, temperature } = settings;
  const { confidenceMin, weightByUncertainty } = settings;
  return {
    passes,
    rotationDegMaxMicro: micro(rotationDegMax),
    scaleShareMaxMicro: micro(scaleShareMax),
    targets: targets === 'soft' ? 'soft' : 'hard',
    temperatureMicro: micro(temperature),
    confidenceMinMicro: micro(confidenceMin),
    weightByUncertainty,
  };
}

/** Where patches are cut and how they are disturbed, in units. */
export function samplingOf({ sampling }: Pick<Training, 'sampling'>): SamplingSettings {
  return Object.fromEntries(
    samplingNames.map((name) => [name, sampling[`${name}Micro`] / million]),
  ) as unknown as SamplingSettings;
}

/** How teachers are asked, in units; the defaults for a teacher's stage, which asks nobody. */
export function distillationOf({
  distillation,
}: Pick<Training, 'distillation'>): DistillationSettings {
  if (distillation === undefined) return distillationDefaults;
  const { passes, targets, weightByUncertainty } = distillation;
  return {
    ...{ passes, targets, weightByUncertainty },
    rotationDegMax: distillation.rotationDegMaxMicro / million,
    scaleShareMax: distillation.scaleShareMaxMicro / million,
    temperature: distillation.temperatureMicro / million,
    confidenceMin: distillation.confidenceMinMicro / million,
  };
}

/** The optimiser of a round, in units. */
export function optimiserOf(hp: Hyperparameters): OptimiserSettings {
  const { optimiser, lrMicro, clipNormMicro, proxMuMicro } = hp;
  const shared = {
    lr: lrMicro / million,
    weightDecay: optimiser.weightDecayMicro / million,
    clipNorm: clipNormMicro / million,
    proxMu: proxMuMicro / million,
  };
  switch (optimiser.kind) {
    case 'adamw':
      return { ...adamWDefaults, ...shared };
    case 'sgd':
      return { kind: 'sgd', momentum: optimiser.momentumMicro / million, ...shared };
  }
}
