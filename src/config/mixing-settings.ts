/** Who exchanges with whom when rounds are mixed, and how near the models must come. docs/specs/mixing-round.md */
import { checkChoice, checkInteger, checkNumber, SettingError } from '../base/index.ts';
import {
  hearsAgain,
  limits,
  type IntegerMean,
  type MixingRule,
  type MixingTopology,
} from '../wire/index.ts';

const topologies = [
  'ring',
  'torus',
  'star',
  'complete',
  'exponential',
  'one-peer-exponential',
  'matching',
  'base',
  'regular',
  'el-oracle',
  'el-local',
] as const satisfies readonly MixingTopology['kind'][];

/** All hospitals agree on it in the manifest. It means nothing where `averaging` is another than `mixing`. */
export interface MixingSettings {
  /** One of the graphs of docs/specs/mixing.md. */
  readonly topology: MixingTopology['kind'];
  /** Neighbours in a step, of `base`, `regular`, `el-oracle` and `el-local`, 1 to 255. */
  readonly degree: number;
  /** Whether `regular` is drawn anew in each step. */
  readonly redrawn: boolean;
  /** Exchanges in a round, 0 to 200; 0 for as many as are enough for `epsilon`. */
  readonly steps: number;
  /** How far the sealed model may be from a voter's own in one parameter, 0.000000001 to 1. */
  readonly epsilon: number;
  /** Who keeps a step from the others for longer is left out of the round, ms, 1000 to 86400000. */
  readonly patienceMs: number;
}

/** One neighbour a step, and the exact mean for any number of hospitals. */
export const mixingDefaults: MixingSettings = Object.freeze({
  topology: 'base',
  degree: 1,
  redrawn: true,
  steps: 0,
  epsilon: 0.000_01,
  patienceMs: 60_000,
});

/** @throws {SettingError} naming the key out of range. */
export function validateMixing(settings: MixingSettings): void {
  checkChoice('topology', settings.topology, topologies);
  checkInteger('degree', settings.degree, 1, 255);
  checkInteger('steps', settings.steps, 0, limits.mixingStepsMax);
  checkNumber('epsilon', settings.epsilon, 1e-9, 1);
  checkInteger('patienceMs', settings.patienceMs, 1_000, 86_400_000);
}

/** @throws {SettingError} where states cannot travel compressed */
export function checkHeardAgain(settings: MixingSettings): void {
  if (hearsAgain(topologyOf(settings))) return;
  const { topology, redrawn } = settings;
  throw new SettingError(
    'compression',
    `none with the topology ${topology}${topology === 'regular' ? ` and redrawn ${String(redrawn)}` : ''}: compressed states need neighbours that are heard again, as in base, exponential, ring, torus, complete, or regular with redrawn false`,
    'int8 or bf16',
  );
}

/** The rule of a stage whose rounds are mixed. */
export function mixingRuleOf(settings: MixingSettings, mean: IntegerMean): MixingRule {
  const { steps, epsilon, patienceMs } = settings;
  return {
    ...{ kind: 'mixing', topology: topologyOf(settings), steps, patienceMs },
    epsilonNano: Math.round(epsilon * 1e9),
    ...mean,
  };
}

function topologyOf({ topology: kind, degree, redrawn }: MixingSettings): MixingTopology {
  switch (kind) {
    case 'base':
      return { kind, k: degree };
    case 'regular':
      return { kind, degree, redrawn };
    case 'el-oracle':
    case 'el-local':
      return { kind, degree };
    case 'ring':
    case 'torus':
    case 'star':
    case 'complete':
    case 'exponential':
    case 'one-peer-exponential':
    case 'matching':
      return { kind };
  }
}
