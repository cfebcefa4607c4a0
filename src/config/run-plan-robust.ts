/** From the settings of a robust average to the part of the rule that members agree on. */
import type { RobustRule } from '../wire/index.ts';
import type { RobustSettings } from './robust-settings.ts';

/** The robust part of a rule; null for the weighted mean. */
export function robustRuleOf(settings: RobustSettings): RobustRule | null {
  const { kind, weightCap, radius, iterations, trim, tolerated, nnm } = settings;
  const common = { capMicro: micro(weightCap), ...(nnm && { nnmTolerated: tolerated }) };
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
      return { kind, ...common, tolerated };
  }
}

function micro(value: number): number {
  return Math.round(value * 1e6);
}
