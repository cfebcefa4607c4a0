/**
 * A stage's hyper-parameters as the plan carries them: whole numbers by name, so that every member reads the same.
 * Fractions are in millionths.
 */
import type { Triple } from '../models/index.ts';
import { adamWDefaults, type OptimiserSettings, type SamplingSettings } from './settings.ts';

/** What a stage's training needs beside steps and learning rate, which the plan carries itself. */
export interface StageTraining {
  readonly patch: Triple;
  readonly batch: number;
  readonly weightDecay: number;
  readonly sampling: SamplingSettings;
}

type Options = Readonly<Record<string, number | string>>;

const million = 1_000_000;

/** For `PlanStage.options`. */
export function stageOptions(training: StageTraining): Record<string, number> {
  const { patch, batch, weightDecay, sampling } = training;
  const shares = Object.entries(sampling).map(([name, value]): [string, number] => [
    `${name}Micro`,
    Math.round((value as number) * million),
  ]);
  return {
    patchD: patch[0],
    patchH: patch[1],
    patchW: patch[2],
    batch,
    weightDecayMicro: Math.round(weightDecay * million),
    ...Object.fromEntries(shares),
  };
}

/** The inverse of `stageOptions`; a missing number reads as 0. */
export function readStageOptions(options: Options): StageTraining {
  const count = (name: string): number => Number(options[name] ?? 0);
  const share = (name: keyof SamplingSettings): number => count(`${name}Micro`) / million;
  return {
    patch: [count('patchD'), count('patchH'), count('patchW')],
    batch: count('batch'),
    weightDecay: count('weightDecayMicro') / million,
    sampling: {
      foregroundShare: share('foregroundShare'),
      rotationDegMax: share('rotationDegMax'),
      scaleShareMax: share('scaleShareMax'),
      contrastShareMax: share('contrastShareMax'),
      brightnessMax: share('brightnessMax'),
      noiseStdDevMax: share('noiseStdDevMax'),
    },
  };
}

/** AdamW's numbers of a round as OPEN states them. */
export function optimiserOf(hp: Options): OptimiserSettings {
  return {
    ...adamWDefaults,
    lr: Number(hp.lrMicro ?? 0) / million,
    weightDecay: Number(hp.weightDecayMicro ?? 0) / million,
  };
}
