/** From the settings of a robust average to the part of the rule that members agree on. */
import { faultCountMax, type RobustRule } from '../wire/index.ts';
import type { RobustSettings } from './robust-settings.ts';

/** The robust part of a rule among so many members; null for the weighted mean. */
export function robustRuleOf(settings: RobustSettings, memberCount: number): RobustRule | null {
  const { kind, weightCap, radius, iterations, trim, nnm } = settings;
  const tolerated = settings.tolerated === 0 ? faultCountMax(memberCount) : settings.tolerated;
  // Of fewer than four nobody may lie: nothing is left out.
  const hasNnm = nnm && tolerated > 0;
  const common = { capMicro: micro(weightCap), ...(hasNnm && { nnmTolerated: tolerated }) };
  switch (kind) {
    case 'none':
      return null;
    case 'centred-clip':
      return { kind, ...common, radiusMicro: micro(radius), iterations };
    case 'norm-clip':
      return { kind, ...common, radiusMicro: micro(radius) };
    case 'trimmed-mean':
      return { kind, ...common, trimMicro: micro(trim) };
    case 'median':
      return { kind, ...common };
    case 'geometric-median':
      return { kind, ...common, iterations };
    case 'multi-krum':
      return { kind, ...common, tolerated: Math.max(1, tolerated) };
  }
}

function micro(value: number): number {
  return Math.round(value * 1e6);
}
