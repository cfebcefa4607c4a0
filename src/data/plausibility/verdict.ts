/** Whether an answer can be a heart's, and every reason why it cannot. */

/** What an answer was held against. */
export type FindingSubject = 'image' | 'points' | 'calcium';

/** Why an answer cannot be true. */
export interface Finding {
  readonly about: FindingSubject;
  /** For programs; docs/specs/plausibility.md has them all. */
  readonly code: string;
  /** For people: what was found, and what a heart has. Holds no name of a file or a patient. */
  readonly text: string;
}

/** `plausible`: nothing speaks against it, which does not make it right. */
export interface Plausibility {
  readonly verdict: 'plausible' | 'implausible';
  /** Empty when plausible. */
  readonly reasons: readonly Finding[];
}

/** Implausible as soon as there is one reason. */
export function verdictOf(reasons: readonly Finding[]): Plausibility {
  return { verdict: reasons.length === 0 ? 'plausible' : 'implausible', reasons };
}

/** `plausible`, or `implausible because …` with every reason. */
export function plausibilityText({ verdict, reasons }: Plausibility): string {
  if (verdict === 'plausible') return verdict;
  return `${verdict} because ${reasons.map(({ text }) => text).join('; ')}`;
}
