/** What the average is computed with: a round's rule in units, and how many members there are. */
import type { RoundRule } from '../../wire/index.ts';

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
}

/** From the rule of a round's OPEN, among `memberCount` members. */
export function averagingRule(rule: RoundRule, memberCount: number): AveragingRule {
  const { samplesCap, weightMax, clampMicro, outerRateMicro, outerMomentumMicro } = rule;
  return {
    ...{ memberCount, weightMax, samplesCap },
    clamp: clampMicro / 1e6,
    outerRate: outerRateMicro / 1e6,
    outerMomentum: outerMomentumMicro / 1e6,
  };
}
