/** How the rounds of a stage follow from each other, as the plan's options say. Every member reads the same. */
import type { PlanStage } from '../wire/index.ts';
import { PeerError } from './errors.ts';

/** How the learning rate changes from round to round. */
export const schedules = ['constant', 'cosine', 'poly'] as const;

export type Schedule = (typeof schedules)[number];

/** nnU-Net's exponent. */
const polyExponent = 0.9;

/** A stage's schedule; `poly` where its options do not say. @throws {PeerError} 'bad_plan' for an unknown one */
export function scheduleOf({ id, options }: Pick<PlanStage, 'id' | 'options'>): Schedule {
  const said = options.schedule ?? 'poly';
  const known = schedules.find((schedule) => schedule === said);
  if (known !== undefined) return known;
  const expected = schedules.join(' or ');
  throw new PeerError(
    { code: 'bad_plan', stage: id, option: 'schedule' },
    `stage ${id}: expected schedule ${expected}, got ${String(said)}`,
  );
}

/**
 * The learning rate of round k of K, from 0, × 10^6: the peak; or peak · (1 + cos(πk/K)) / 2 (Loshchilov & Hutter 2017);
 * or peak · (1 - k/K)^0.9, as nnU-Net by epochs. Never 0.
 */
export function learningRateMicro(stage: PlanStage, roundsSealed: number): number {
  const done = roundsSealed / stage.rounds;
  const share = {
    constant: () => 1,
    cosine: () => (1 + Math.cos(Math.PI * done)) / 2,
    poly: () => (1 - done) ** polyExponent,
  }[scheduleOf(stage)]();
  return Math.max(1, Math.round(stage.learningRateMicro * share));
}
