/** What the average is computed with: a round's rule in units, and how many members there are. */
import { headsOf, type Segment, type UpdateWeights } from './head-weights.ts';
import type { RobustRule, RoundRule, TravelCompression } from '../../wire/index.ts';

/** What all participants agreed on before the round. */
export interface AveragingRule {
  /** Members of the consortium: as many updates must fit the integer sum. */
  readonly memberCount: number;
  /** C: a parameter's change beyond ±C is cut to it. */
  readonly clamp: number;
  /** Weight of which one unit is a share. */
  readonly weightMax: number;
  /** Most samples that one participant may weigh with. */
  readonly samplesCap: number;
  /** What the mean change is multiplied with; 1 for plain averaging. */
  readonly outerRate: number;
  /** Nesterov's momentum over the rounds, 0 to below 1; 0 for none. */
  readonly outerMomentum: number;
  /** What takes the place of the weighted mean; absent for the mean itself. */
  readonly robust?: RobustRule;
  /** How updates are rounded on their way; absent for integers as they are. */
  readonly compression?: TravelCompression;
}

/** From the rule of a round's OPEN, among `memberCount` members. */
export function averagingRule(rule: RoundRule, memberCount: number): AveragingRule {
  const { samplesCap, weightMax, clampMicro, outerRateMicro, outerMomentumMicro } = rule;
  return {
    ...{ memberCount, weightMax, samplesCap },
    clamp: clampMicro / 1e6,
    outerRate: outerRateMicro / 1e6,
    outerMomentum: outerMomentumMicro / 1e6,
    ...(rule.kind === 'exact' && rule.robust && { robust: rule.robust }),
    // In a mixing updates stay at home: what travels are states.
    ...(rule.kind !== 'mixing' && rule.compression && { compression: rule.compression }),
  };
}

/** How many cases a participant trained on. */
export interface TrainedSamples {
  readonly samples: number;
  /** Those with a label of each head; 0 or absent for a head that was not trained. */
  readonly heads: Readonly<Record<string, number>>;
}

/** What a participant's update counts: its samples up to the cap, and of a head those with its label. */
export function updateWeights(
  segments: readonly Segment[],
  trained: TrainedSamples,
  { samplesCap, weightMax }: Pick<AveragingRule, 'samplesCap' | 'weightMax'>,
): UpdateWeights {
  const weight = Math.max(1, Math.min(trained.samples, samplesCap, weightMax));
  const heads = headsOf(segments).map((head) => [head, Math.min(trained.heads[head] ?? 0, weight)]);
  return { weight, heads: Object.fromEntries(heads) as Record<string, number> };
}
