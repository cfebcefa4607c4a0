/** What a preflight found: one line of its table. */

/** What was looked at, in the order in which things build on each other: who mends the first one first mends the right one. */
export const checks = [
  'node',
  'clock',
  'disk',
  'rights',
  'keys',
  'manifest',
  'data',
  'port',
  'compute',
  'version',
  'member',
] as const;

/** One of `checks`. */
export type Check = (typeof checks)[number];

/** `fail` keeps this hospital from taking part, `warn` will get in the way, `unknown` could not be looked at and blames nobody. */
export type Outcome = 'ok' | 'warn' | 'fail' | 'unknown';

/** One line. No names of patients, cases or keys in it. */
export interface Finding {
  readonly check: Check;
  /** What of it: a folder, an address, a member. */
  readonly subject: string;
  readonly outcome: Outcome;
  /** What was found, in one sentence without a full stop. */
  readonly found: string;
  /** What to do about it; null where there is nothing to do. */
  readonly remedy: string | null;
}

/** A finding with nothing to do. */
export function fine(check: Check, subject: string, found: string): Finding {
  return { check, subject, outcome: 'ok', found, remedy: null };
}

/** Findings in the order of `checks`, those of one check as they came. */
export function inOrder(findings: readonly Finding[]): Finding[] {
  return checks.flatMap((check) => findings.filter((one) => one.check === check));
}

/** The worst of all: `fail` before `warn`; what is unknown is no fault. */
export function worstOf(findings: readonly Finding[]): Outcome {
  const has = (outcome: Outcome): boolean => findings.some((one) => one.outcome === outcome);
  return has('fail') ? 'fail' : has('warn') ? 'warn' : 'ok';
}
