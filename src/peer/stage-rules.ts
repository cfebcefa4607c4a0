/** How the rounds of a stage follow from each other, as the plan's options say. Every member reads the same. */
import { plainAverage, type OuterStep } from '../gossip/index.ts';
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
  throw bad(id, 'schedule', schedules.join(' or '), said);
}

/** Greatest rate of an outer step. */
const rateMax = 10;

/** How the mean change of a round moves the model; plain averaging where the options do not say. */
export function outerStepOf({ id, options }: Pick<PlanStage, 'id' | 'options'>): OuterStep {
  const share = (option: string, fallback: number, isGood: (value: number) => boolean): number => {
    const said = options[option] ?? fallback * 1e6;
    if (typeof said === 'number' && isGood(said / 1e6)) return said / 1e6;
    throw bad(id, option, 'a number in its range', said);
  };
  return {
    rate: share('outerRateMicro', plainAverage.rate, (rate) => rate > 0 && rate <= rateMax),
    momentum: share('outerMomentumMicro', plainAverage.momentum, (m) => m >= 0 && m < 1),
  };
}

/** The inverse of `outerStepOf`, and the schedule's name: for `PlanStage.options`. */
export function ruleOptions(
  schedule: Schedule,
  { rate, momentum }: OuterStep,
): Record<string, number | string> {
  return {
    schedule,
    outerRateMicro: Math.round(rate * 1e6),
    outerMomentumMicro: Math.round(momentum * 1e6),
  };
}

function bad(stage: string, option: string, expected: string, came: unknown): PeerError {
  return new PeerError(
    { code: 'bad_plan', stage, option },
    `stage ${stage}: expected ${option} ${expected}, got ${String(came)}`,
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
