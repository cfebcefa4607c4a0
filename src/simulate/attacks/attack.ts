/** Attacks as data: what some members do against the others in a virtual world, and how a file says so. */
import type { NodeId } from '../../base/index.ts';
import {
  arr,
  bool,
  checked,
  int,
  literal,
  malformed,
  nodeId,
  obj,
  optional,
  unionBy,
  type Reader,
} from '../../wire/index.ts';
import type { LyingReducers } from './lying-reducers.ts';
import type { TwoFaced } from './two-faced.ts';
import type { UpdateAttack } from './update-attacks.ts';

/** What members do that follow the protocol in everything else. */
export type ConductAttack =
  | {
      /** Learns the opposite: of labels 0 … k-1 the label k-1-y; in a quadratic world -c in place of the optimum c. */
      readonly kind: 'label-flip';
    }
  | {
      /** Claims so many samples. The rule caps them. */
      readonly kind: 'weight-lie';
      readonly samples: number;
    }
  | {
      /** Sends the change of so many rounds ago again; its own while there is none. */
      readonly kind: 'stale';
      readonly rounds: number;
    }
  | {
      /** Answers only the first so many who fetch a blob of it. */
      readonly kind: 'withhold';
      readonly answers: number;
    }
  | {
      /** Trains so much longer, ms. */
      readonly kind: 'late';
      readonly delayMs: number;
    }
  | {
      /** Sends every message so many times, and as often bytes that mean nothing. */
      readonly kind: 'flood';
      readonly copies: number;
    };

/** One attack, by one member or by several that act together. */
export type Attack =
  | TwoFaced
  | LyingReducers
  | ((UpdateAttack | ConductAttack) & { readonly liars: readonly NodeId[] });

const factor = num(-1e9, 1e9);
const deviation = num(0, 1e6);

/**
 * An attack by some of `members`.
 * @throws {WireError} 'malformed' naming the place and what was expected there
 */
export function readAttack(value: unknown, members: readonly NodeId[]): Attack {
  const known = new Set<NodeId>(members);
  const member = checked(nodeId, (id) => (known.has(id) ? null : `one of ${members.join(', ')}`));
  const liars = checked(arr(member, members.length - 1, 1), (ids) =>
    new Set(ids).size === ids.length ? null : 'each liar once',
  );
  return unionBy<Attack>('kind', {
    'two-faced': obj({ kind: literal('two-faced'), liars }),
    'lying-reducers': obj({ kind: literal('lying-reducers'), liars, isTwofold: bool }),
    'sign-flip': obj({ kind: literal('sign-flip'), liars, factor }),
    scale: obj({ kind: literal('scale'), liars, factor }),
    noise: obj({ kind: literal('noise'), liars, stdDev: deviation }),
    'free-rider': obj({ kind: literal('free-rider'), liars, stdDev: deviation }),
    alie: obj({ kind: literal('alie'), liars, z: optional(num(0, 100)) }),
    ipm: obj({ kind: literal('ipm'), liars, epsilon: factor }),
    'min-max': obj({
      kind: literal('min-max'),
      liars,
      direction: literal('unit', 'sign', 'deviation'),
    }),
    'label-flip': obj({ kind: literal('label-flip'), liars }),
    'weight-lie': obj({ kind: literal('weight-lie'), liars, samples: int(1, 2 ** 31 - 1) }),
    stale: obj({ kind: literal('stale'), liars, rounds: int(1, 1_000) }),
    withhold: obj({ kind: literal('withhold'), liars, answers: int(0, 256) }),
    late: obj({ kind: literal('late'), liars, delayMs: int(1, 366 * 86_400_000) }),
    flood: obj({ kind: literal('flood'), liars, copies: int(1, 100) }),
  })(value);
}

function num(min: number, max: number): Reader<number> {
  return (value, path = '$') => {
    if (typeof value === 'number' && value >= min && value <= max) return value;
    throw malformed(path, `a number from ${min} to ${max}`);
  };
}
