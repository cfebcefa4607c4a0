/**
 * A stage's hyper-parameters as the plan carries them: whole numbers and short texts by name, so that every member reads
 * the same. Fractions are in millionths.
 */
import { DistillError } from './errors.ts';
import type { PatchSize } from './train/patch-size.ts';
import {
  adamWDefaults,
  optimiserKinds,
  samplingDefaults,
  type OptimiserKind,
  type OptimiserSettings,
  type SamplingSettings,
} from './settings.ts';

/** What a stage's training needs beside steps and learning rate, which the plan carries itself. */
export interface StageTraining {
  readonly patch: PatchSize;
  readonly batch: number;
  readonly optimiser: OptimiserKind;
  readonly weightDecay: number;
  /** Gradient descent's. */
  readonly momentum: number;
  /** 0 for none. */
  readonly clipNorm: number;
  /** FedProx's μ, 0 for none. */
  readonly proxMu: number;
  /** Whether the optimiser forgets at the end of a round. */
  readonly resetOptimiser: boolean;
  readonly sampling: SamplingSettings;
}

type Options = Readonly<Record<string, number | string>>;

const million = 1_000_000;
const samplingKeys = Object.keys(samplingDefaults) as (keyof SamplingSettings)[];

/** For `PlanStage.options`. */
export function stageOptions(training: StageTraining): Record<string, number | string> {
  const { patch, batch, optimiser, sampling } = training;
  const { weightDecay, momentum, clipNorm, proxMu } = training;
  const [patchD, patchH, patchW] = patch === 'whole' ? [0, 0, 0] : patch;
  return {
    ...{ patchD, patchH, patchW },
    batch,
    optimiser,
    resetOptimiser: training.resetOptimiser ? 1 : 0,
    ...inMillionths({ weightDecay, momentum, clipNorm, proxMu, ...sampling }),
  };
}

function inMillionths(values: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [`${name}Micro`, Math.round(value * million)]),
  );
}

/**
 * The inverse of `stageOptions`; a missing number reads as 0, a missing optimiser as AdamW, a patch of no voxels as whole.
 * @throws {DistillError} 'bad_options' for an optimiser that this program does not know
 */
export function readStageOptions(options: Options): StageTraining {
  const count = (name: string): number => Number(options[name] ?? 0);
  const share = (name: string): number => count(`${name}Micro`) / million;
  const patch = [count('patchD'), count('patchH'), count('patchW')] as const;
  return {
    patch: patch.every((length) => length === 0) ? 'whole' : patch,
    batch: count('batch'),
    optimiser: kindOf(options),
    weightDecay: share('weightDecay'),
    momentum: share('momentum'),
    clipNorm: share('clipNorm'),
    proxMu: share('proxMu'),
    resetOptimiser: count('resetOptimiser') !== 0,
    sampling: Object.fromEntries(
      samplingKeys.map((key) => [key, share(key)]),
    ) as unknown as SamplingSettings,
  };
}

function kindOf({ optimiser = 'adamw' }: Options): OptimiserKind {
  const kind = optimiserKinds.find((known) => known === optimiser);
  if (kind !== undefined) return kind;
  throw new DistillError(
    { code: 'bad_options', option: 'optimiser' },
    `expected optimiser ${optimiserKinds.join(' or ')}, got ${String(optimiser)}`,
  );
}

/** The optimiser's numbers of a round as OPEN states them. @throws {DistillError} as `readStageOptions` */
export function optimiserOf(hp: Options): OptimiserSettings {
  const { optimiser, weightDecay, momentum, clipNorm, proxMu } = readStageOptions(hp);
  const shared = { lr: Number(hp.lrMicro ?? 0) / million, weightDecay, clipNorm, proxMu };
  return optimiser === 'sgd'
    ? { kind: 'sgd', momentum, ...shared }
    : { ...adamWDefaults, ...shared };
}
