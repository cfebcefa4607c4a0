/** Gossip of whole models in which a robust rule takes the place of the weighted mean. */
import {
  balance,
  gossipAveraging,
  robustVector,
  selfCentredClip,
  zerosLike,
  type GossipState,
  type MixingAlgorithm,
  type Vector,
  type WholeVectors,
} from '../../gossip/index.ts';
import type { RobustRule } from '../../wire/index.ts';
import type { LabSettings } from './settings.ts';

/** What a rule may ask of the run, and tells it. */
export interface RuleWatch {
  /** Share of the rounds that are over, 0 to 1: BALANCE grows stricter. */
  progress(): number;
  /** Hears of each message whether the rule took it. */
  judged(from: number, isTaken: boolean): void;
}

/** BALANCE's published settings (Fang et al. 2024): γ 0.3, κ 1, α 0.5. */
const balanceRule = { gamma: 0.3, kappa: 1, ownShare: 0.5 };

/** Local SGD with a rule in place of the mean. */
export function robustGossip(
  settings: LabSettings,
  watch: RuleWatch,
): MixingAlgorithm<GossipState, WholeVectors> {
  return {
    ...gossipAveraging,
    receive: (state, { node, links }, heard) => {
      const voices = links.flatMap(({ from, weight }) => {
        const model = from === node ? state.model : heard.get(from)?.[0];
        return model === undefined ? [] : [{ from, weight, model }];
      });
      const received = voices.filter(({ from }) => from !== node);
      if (received.length === 0) return state;
      const like = (mixed: Float64Array): GossipState => {
        const model = zerosLike(state.model);
        model.set(mixed);
        return { model };
      };
      switch (settings.rule.kind) {
        case 'self-centred-clip':
          return like(selfCentredClip(state.model, received));
        case 'balance': {
          const { model, accepted } = balance(state.model, received, balanceRule, watch.progress());
          accepted.forEach((isTaken, at) => {
            watch.judged(received[at]?.from ?? 0, isTaken);
          });
          return like(model);
        }
        default:
          return like(robustOf(settings, state.model, voices));
      }
    },
  };
}

/** own + robust mean of the differences to own: rules look at changes, and the own change is 0. */
function robustOf(
  settings: LabSettings,
  own: Vector,
  voices: readonly { readonly weight: number; readonly model: Vector }[],
): Float64Array {
  const differences = voices.map(({ model }) => {
    return Float64Array.from(own, (value, k) => (model[k] as number) - value);
  });
  const rule = ruleOf(settings.rule, voices.length);
  const mean = robustVector(
    differences,
    voices.map(({ weight }) => weight),
    rule,
  );
  return mean.map((value, k) => value + (own[k] as number));
}

/** @param count voices, the own included: of the others a share may be attackers */
function ruleOf({ kind, attackerShare, nnm }: LabSettings['rule'], count: number): RobustRule {
  const tolerated = Math.max(
    1,
    Math.min(Math.floor((count - 1) / 2), Math.round(attackerShare * count)),
  );
  const common = { capMicro: 1_000_000, ...(nnm ? { nnmTolerated: tolerated } : {}) };
  switch (kind) {
    case 'norm-clip':
      return { kind, ...common, radiusMicro: 1_000_000 };
    case 'trimmed-mean':
      return {
        kind,
        ...common,
        trimMicro: Math.max(1, Math.min(499_999, Math.round(attackerShare * 1e6))),
      };
    case 'median':
      return { kind, ...common };
    case 'geometric-median':
      return { kind, ...common, iterations: 32 };
    case 'multi-krum':
      return { kind, ...common, tolerated };
    default:
      return { kind: 'centred-clip', ...common, radiusMicro: 1_000_000, iterations: 3 };
  }
}
