/** A robust mean of the members that trained one head, or of all for what belongs to no head: decided once, then applied in pieces. */
import type { RobustRule } from '../../wire/index.ts';
import { mixtureOf, nearestMixing } from './coefficients.ts';
import { Middle } from './coordinates.ts';
import type { Geometry } from './gram.ts';
import { cappedShares } from './shares.ts';

/** What was decided: one mixture for all parameters, or a middle for each, of mixtures of the members where NNM came before. */
export type HeadMean =
  | { readonly kind: 'mixture'; readonly coefficients: readonly number[] }
  | {
      readonly kind: 'middle';
      readonly middle: Middle;
      readonly mixing: readonly (readonly number[])[] | null;
    };

/** Whether a rule needs to know how updates lie to each other before it can combine them. */
export function needsGeometry(rule: RobustRule): boolean {
  return rule.nnmTolerated !== undefined || !isCoordinate(rule);
}

/**
 * @param weights above 0, in an order that all share
 * @param geometry in the same order; not looked at where `needsGeometry` says no
 */
export function headMean(
  weights: readonly number[],
  geometry: Geometry,
  rule: RobustRule,
): HeadMean {
  const shares = cappedShares(weights, rule.capMicro / 1e6);
  const { nnmTolerated } = rule;
  const mixing =
    nnmTolerated === undefined || weights.length === 0
      ? null
      : nearestMixing(geometry, shares, nnmTolerated);
  if (isCoordinate(rule)) return { kind: 'middle', middle: new Middle(shares, rule), mixing };
  if (mixing === null) {
    return { kind: 'mixture', coefficients: mixtureOf(geometry, shares, rule) };
  }
  const ofMixed = mixtureOf(geometry.mixed(mixing), shares, rule);
  const coefficients = weights.map((_, j) =>
    mixing.reduce((sum, row, i) => sum + (ofMixed[i] as number) * (row[j] as number), 0),
  );
  return { kind: 'mixture', coefficients };
}

/** The middle of one parameter. @param values of the members, used as working room for their mixtures in `room` */
export function middleOf(
  { middle, mixing }: Extract<HeadMean, { kind: 'middle' }>,
  values: Float64Array,
  room: Float64Array,
): number {
  if (mixing === null) return middle.of(values);
  for (const [i, row] of mixing.entries()) {
    let sum = 0;
    for (let j = 0; j < row.length; j++) sum += (row[j] as number) * (values[j] as number);
    room[i] = sum;
  }
  return middle.of(room);
}

function isCoordinate(
  rule: RobustRule,
): rule is Extract<RobustRule, { kind: 'trimmed-mean' | 'median' }> {
  return rule.kind === 'trimmed-mean' || rule.kind === 'median';
}
