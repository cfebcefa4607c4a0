/**
 * What is left out before any rule looks at it: an update of another shape, with a number that is not finite, or far longer
 * than updates of past rounds were.
 */
import type { Vector } from '../mixing/mix.ts';

/** When an update is too long. */
export interface NormGateRule {
  /** So many running medians of the norm, above 1. */
  readonly times: number;
  /** Rounds that the median goes over, from 1. */
  readonly window: number;
}

/** What the gate says of an update. */
export type GateVerdict = 'passes' | 'bad_shape' | 'not_finite' | 'too_long';

/** The verdict on one update. @param limit largest norm; Infinity before anything is known */
export function gateByNorm(update: Vector, size: number, limit: number): GateVerdict {
  if (update.length !== size) return 'bad_shape';
  let sum = 0;
  for (const value of update) {
    if (!Number.isFinite(value)) return 'not_finite';
    sum += value * value;
  }
  return Math.sqrt(sum) > limit ? 'too_long' : 'passes';
}

/**
 * A gate with a memory of the medians of the last rounds: a round whose majority is honest adds a median that lies among honest
 * norms.
 */
export class NormGate {
  readonly #rule: NormGateRule;
  readonly #medians: number[] = [];

  constructor(rule: NormGateRule) {
    this.#rule = rule;
  }

  /** Largest norm that passes now. */
  get limit(): number {
    return this.#medians.length === 0 ? Infinity : this.#rule.times * middle(this.#medians);
  }

  /** Verdicts on a round's updates, by the rounds before it; then the round is one of the past. */
  pass(updates: readonly Vector[], size: number): GateVerdict[] {
    const { limit } = this;
    const verdicts = updates.map((one) => gateByNorm(one, size, limit));
    const norms = updates
      .filter((_, at) => verdicts[at] === 'passes' || verdicts[at] === 'too_long')
      .map(normOf);
    if (norms.length > 0) {
      this.#medians.push(middle(norms));
      if (this.#medians.length > this.#rule.window) this.#medians.shift();
    }
    return verdicts;
  }
}

function normOf(update: Vector): number {
  let sum = 0;
  for (const value of update) sum += value * value;
  return Math.sqrt(sum);
}

/** The lower median of at least one number. */
function middle(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] as number;
}
