/** The protocols that a round may follow, by the rule that its OPEN names. */
import type { Open } from '../../wire/index.ts';
import type { RoundContext, RoundProtocol } from '../round-protocol.ts';
import { ExactRound } from './exact/exact-round.ts';
import { ShardedRound } from './sharded/sharded-round.ts';
import { MixingRound } from './mixing/mixing-round.ts';

const protocols: Readonly<Record<Open['rule']['kind'], (context: RoundContext) => RoundProtocol>> =
  {
    exact: (context) => new ExactRound(context),
    sharded: (context) => new ShardedRound(context),
    mixing: (context) => new MixingRound(context),
  };

/** Begins a round by the protocol that its OPEN names. */
export function beginRound(context: RoundContext): RoundProtocol {
  return protocols[context.open.rule.kind](context);
}
