/** Robust means of each parameter by itself: weighted trimmed mean and median (Yin et al. 2018). docs/specs/robust-rules.md */
import type { RobustRule } from '../../wire/index.ts';
import { unitsOf } from './shares.ts';

/** Kinds that look at each parameter by itself. */
export type CoordinateRule = Extract<RobustRule, { kind: 'trimmed-mean' | 'median' }>;

/** The middle of some values of one parameter. Made once for members with these shares, at least one of them above 0. */
export class Middle {
  /** Left out at each end, in units. */
  readonly #cut: number;
  readonly #units: readonly number[];
  readonly #total: number;
  readonly #isMedian: boolean;
  /** Room for one parameter. */
  readonly #values: Float64Array;
  readonly #counts: Float64Array;

  constructor(shares: readonly number[], rule: CoordinateRule) {
    this.#units = unitsOf(shares);
    this.#total = this.#units.reduce((sum, one) => sum + one, 0);
    this.#isMedian = rule.kind === 'median';
    this.#cut = rule.kind === 'median' ? 0 : Math.floor((this.#total * rule.trimMicro) / 1e6);
    this.#values = new Float64Array(shares.length);
    this.#counts = new Float64Array(shares.length);
  }

  /** Of one value for each member, in the order of the shares. */
  of(values: ArrayLike<number>): number {
    this.#sort(values);
    return this.#isMedian ? this.#median() : this.#trimmed();
  }

  /** By value, then by units, so that the order of members decides nothing. */
  #sort(values: ArrayLike<number>): void {
    const [sorted, counts, units] = [this.#values, this.#counts, this.#units];
    for (let i = 0; i < sorted.length; i++) {
      const [value, count] = [values[i] as number, units[i] as number];
      let at = i;
      for (; at > 0; at--) {
        const before = sorted[at - 1] as number;
        if (before < value || (before === value && (counts[at - 1] as number) <= count)) break;
        sorted[at] = before;
        counts[at] = counts[at - 1] as number;
      }
      sorted[at] = value;
      counts[at] = count;
    }
  }

  /** Half of all units lie at it or below and half at it or above; between two such values it is the middle of them. */
  #median(): number {
    const [sorted, counts] = [this.#values, this.#counts];
    let below = 0;
    for (let i = 0; i < sorted.length; i++) {
      below += counts[i] as number;
      if (2 * below > this.#total) return sorted[i] as number;
      if (2 * below === this.#total && i + 1 < sorted.length) {
        return ((sorted[i] as number) + (sorted[i + 1] as number)) / 2;
      }
    }
    return sorted.at(-1) as number;
  }

  /** Mean of what lies between the cuts; a member on a cut counts with its rest. */
  #trimmed(): number {
    const [sorted, counts] = [this.#values, this.#counts];
    const [low, high] = [this.#cut, this.#total - this.#cut];
    let [below, sum] = [0, 0];
    for (let i = 0; i < sorted.length; i++) {
      const upTo = below + (counts[i] as number);
      const inside = Math.min(upTo, high) - Math.max(below, low);
      if (inside > 0) sum += inside * (sorted[i] as number);
      below = upTo;
    }
    return sum / (high - low);
  }
}
