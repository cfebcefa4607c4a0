/**
 * The rule by which a round's updates become the next model, as a stage of the plan states it and OPEN repeats it. Whoever
 * averages, checks an update or judges a CUT reads it here and nowhere else. docs/specs/wire.md, 4.2
 */
import { mixingStepsMax } from './limits.ts';
import { bool, checked, int, literal, obj, optional, unionBy, type Reader } from './readers.ts';
import { readRobust, type RobustRule } from './robust-rule.ts';

/** How what travels is rounded: a byte for each number, or the upper half of a float32. docs/decisions/028 */
export type TravelCompression = 'int8' | 'bf16';

/** Names of `TravelCompression`. */
export const travelCompressions: readonly TravelCompression[] = ['int8', 'bf16'];

/** The weighted mean in integers: any order of adding, by whomever, gives the same bytes. */
export interface IntegerMean {
  /** How updates are rounded, in a mixing the states; absent for neither. */
  readonly compression?: TravelCompression;
  /** Most samples that one participant may weigh with, 1 to `weightMax`. */
  readonly samplesCap: number;
  /** wMax: the weight of which one unit is a share in fixed point, samples, 1 to 2^31-1. */
  readonly weightMax: number;
  /** C × 10^6: a parameter's change beyond ±C is cut to it; 1 to 64 000 000. */
  readonly clampMicro: number;
  /** α × 10^6: what the mean change is multiplied with, 1 to 10 000 000; 1 000 000 for plain averaging. */
  readonly outerRateMicro: number;
  /** β × 10^6: Nesterov's momentum over the rounds, 0 to 999 999; 0 for none. */
  readonly outerMomentumMicro: number;
}

/** Every member gets every update and computes the mean by itself. */
export interface ExactRule extends IntegerMean {
  readonly kind: 'exact';
  /** What takes the place of the weighted mean; absent for the mean itself. */
  readonly robust?: RobustRule;
}

/** The model is cut into a shard for each member; some members add up each shard and hand the sum to all. The same mean. */
export interface ShardedRule extends IntegerMean {
  readonly kind: 'sharded';
  /** R: members that add up each shard, 2 to 7: fewer check nothing, more cost a copy of the update each. */
  readonly reducers: number;
}

/** Who hears whom while a round is mixed. Those with a `degree` need more members than it. */
export type MixingTopology =
  | {
      readonly kind:
        | 'ring'
        | 'torus'
        | 'star'
        | 'complete'
        | 'exponential'
        | 'one-peer-exponential'
        | 'matching';
    }
  /** Base-(k+1): at most k neighbours a step, and exactly the mean after one cycle, whatever the number of members. */
  | { readonly kind: 'base'; readonly k: number }
  | { readonly kind: 'regular'; readonly degree: number; readonly redrawn: boolean }
  | { readonly kind: 'el-oracle' | 'el-local'; readonly degree: number };

/** Members exchange what they hold with neighbours, step by step, and seal one of their nearly equal models. */
export interface MixingRule extends IntegerMean {
  readonly kind: 'mixing';
  readonly topology: MixingTopology;
  /** Exchanges in a round, 1 to 200; 0 for as many as bring all models within the bound. */
  readonly steps: number;
  /** ε × 10^9: no parameter of a sealed model is further than this from a voter's own, 1 to 10^9. */
  readonly epsilonNano: number;
  /** Who keeps a step from the others for longer is left out of the round, ms, 1000 to a day. */
  readonly patienceMs: number;
}

/** By `kind`. A further way of averaging is a further member. */
export type RoundRule = ExactRule | ShardedRule | MixingRule;

const integerMean = {
  compression: optional(literal('int8', 'bf16')),
  samplesCap: int(1, 2 ** 31 - 1),
  weightMax: int(1, 2 ** 31 - 1),
  clampMicro: int(1, 64_000_000),
  outerRateMicro: int(1, 10_000_000),
  outerMomentumMicro: int(0, 999_999),
};

function capProblem({ samplesCap, weightMax }: IntegerMean): string | null {
  return samplesCap > weightMax ? 'samplesCap not above weightMax' : null;
}

/** Topologies in which nobody knows who hears it again. */
const drawnTopologies: readonly MixingTopology['kind'][] = ['matching', 'el-oracle', 'el-local'];

/**
 * Whether members of a mixing hear the same ones again, so that they can be sent what has changed since: compressed states
 * need it, for their rounding errors shrink with these changes and with nothing else.
 */
export function hearsAgain(topology: MixingTopology): boolean {
  const isRedrawn = topology.kind === 'regular' && topology.redrawn;
  return !isRedrawn && !drawnTopologies.includes(topology.kind);
}

function compressionProblem({ compression, topology }: MixingRule): string | null {
  return compression === undefined || hearsAgain(topology)
    ? null
    : 'no compression where each step draws another graph';
}

const readExact: Reader<ExactRule> = checked(
  obj({ kind: literal('exact'), ...integerMean, robust: optional(readRobust) }),
  capProblem,
);

const readSharded: Reader<ShardedRule> = checked(
  obj({ kind: literal('sharded'), reducers: int(2, 7), ...integerMean }),
  capProblem,
);

const plain = <K extends string>(kind: K): Reader<{ readonly kind: K }> =>
  obj({ kind: literal(kind) });
const withDegree = <K extends string>(
  kind: K,
): Reader<{ readonly kind: K; readonly degree: number }> =>
  obj({ kind: literal(kind), degree: int(1, 255) });

const readTopology: Reader<MixingTopology> = unionBy<MixingTopology>('kind', {
  ring: plain('ring'),
  torus: plain('torus'),
  star: plain('star'),
  complete: plain('complete'),
  exponential: plain('exponential'),
  'one-peer-exponential': plain('one-peer-exponential'),
  matching: plain('matching'),
  base: obj({ kind: literal('base'), k: int(1, 255) }),
  regular: obj({ kind: literal('regular'), degree: int(1, 255), redrawn: bool }),
  'el-oracle': withDegree('el-oracle'),
  'el-local': withDegree('el-local'),
});

const readMixing: Reader<MixingRule> = checked(
  obj({
    kind: literal('mixing'),
    topology: readTopology,
    steps: int(0, mixingStepsMax),
    epsilonNano: int(1, 1_000_000_000),
    patienceMs: int(1_000, 86_400_000),
    ...integerMean,
  }),
  (rule) => capProblem(rule) ?? compressionProblem(rule),
);

/** Reads a rule. @throws {WireError} 'malformed' */
export const readRule: Reader<RoundRule> = unionBy<RoundRule>('kind', {
  exact: readExact,
  sharded: readSharded,
  mixing: readMixing,
});
