/**
 * The measures that planning of a valve's implantation (TAVI) reads from a root: each with its unit, with the reason where
 * there is none, and with a flag that says whether a heart can have it. Pure: the same answer has the same measures anywhere.
 */
import {
  measureRanges,
  type MeasureId,
  type MeasureRange,
} from '../plausibility/measure-ranges.ts';
import { rootFindings, type RootPoints } from '../plausibility/root.ts';
import type { Volume } from '../volume/volume.ts';
import { annulusPlane, type AnnulusPlane } from './annulus-plane.ts';
import { bloodPoolAt, type BloodPool } from './calcium.ts';
import {
  measureList,
  unitText,
  type MeasureDefinition,
  type MeasureUnit,
  type RootFacts,
} from './measure-list.ts';

/** Whether a heart can have a measure. */
export interface MeasureFlag {
  /** `not_judged`: there is no value, or nothing that was published bounds it. */
  readonly verdict: 'plausible' | 'implausible' | 'not_judged';
  readonly range: MeasureRange | null;
  /** Why a heart cannot have it; null otherwise. */
  readonly text: string | null;
}

/** One number of the plan. */
export interface Measure {
  readonly id: MeasureId;
  /** For people. */
  readonly title: string;
  readonly unit: MeasureUnit;
  /** Null where it cannot be told. */
  readonly value: number | null;
  /** Why there is no value; null where there is one. */
  readonly reason: string | null;
  readonly flag: MeasureFlag;
}

/** All that is measured of one root. */
export interface RootMeasures {
  /** Null where hinge points are missing or lie in a line. */
  readonly annulus: AnnulusPlane | null;
  /** Blood in the middle of the annulus; null where it is not known. */
  readonly blood: BloodPool | null;
  /** In documented order, none left out. */
  readonly measures: readonly Measure[];
}

/** What is measured. */
export interface MeasuredAnswer {
  readonly points: RootPoints;
  /** 0 where none, on the CT's grid; null when nobody looked for it. */
  readonly calcium: Uint8Array | null;
}

/** Findings of `rootFindings` that leave no annulus to measure from. */
const planeCodes: readonly string[] = [
  'points_apart',
  'same_place',
  'hinges_apart',
  'no_annulus',
  'cusps_order',
  'cusps_side',
];

/** Measures one root. @param ct where points and calcium were found, in HU */
export function measureRoot({ points, calcium }: MeasuredAnswer, ct: Volume): RootMeasures {
  const plane = planeOf(points);
  const blood = bloodOf(plane, ct);
  const facts: RootFacts = {
    ...{ points, plane, blood, ct },
    calcium: calcium ?? 'the model does not look for calcium',
  };
  const doubt = rootFindings(points).find(({ code }) => planeCodes.includes(code));
  return {
    annulus: typeof plane === 'string' ? null : plane,
    blood: typeof blood === 'string' ? null : blood,
    measures: measureList.map((definition) =>
      measure(definition, facts, definition.isFromPlane ? (doubt?.text ?? null) : null),
    ),
  };
}

function planeOf({ RCC, LCC, NCC }: RootPoints): AnnulusPlane | string {
  if (RCC !== undefined && LCC !== undefined && NCC !== undefined) {
    return annulusPlane({ RCC, LCC, NCC }) ?? 'no annulus plane: the hinge points lie in a line';
  }
  const named = Object.entries({ RCC, LCC, NCC });
  const missing = named.filter(([, at]) => at === undefined).map(([name]) => name);
  return `no annulus plane: ${missing.join(', ')} not found`;
}

function bloodOf(plane: AnnulusPlane | string, ct: Volume): BloodPool | string {
  if (typeof plane === 'string') return `no blood to set the threshold by, ${plane}`;
  return (
    bloodPoolAt(ct, plane.centre) ??
    'no blood to set the threshold by: the middle of the annulus lies outside of the image'
  );
}

/** @param doubt what makes all that is measured from the annulus meaningless; null when nothing does */
function measure(definition: MeasureDefinition, facts: RootFacts, doubt: string | null): Measure {
  const { id, title, unit, read } = definition;
  const range = measureRanges[id];
  const told = read(facts);
  const what = { id, title, unit };
  if (typeof told === 'string') {
    const flag = { verdict: 'not_judged', range, text: null } as const;
    return { ...what, value: null, reason: told, flag };
  }
  const text = outText(told, range, unit) ?? doubt;
  const unjudged = range === null ? 'not_judged' : 'plausible';
  const verdict = text === null ? unjudged : 'implausible';
  return { ...what, value: told, reason: null, flag: { verdict, range, text } };
}

function outText(value: number, range: MeasureRange | null, unit: MeasureUnit): string | null {
  if (range === null || (value >= range.low && value <= range.high)) return null;
  return `expected ${range.low} to ${range.high} ${unitText(unit)}`.trimEnd();
}
