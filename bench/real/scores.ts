/** One answer beside what a machine said of the CT, and twenty answers beside the first one. */
import {
  annulusPlane,
  distanceBetween,
  pointNames,
  type AnnulusPlane,
  type PointName,
  type Vector3,
} from '../../src/data/index.ts';
import type { CtPrediction } from '../../src/distill/index.ts';
import { dice, medianWithMissed } from '../../src/models/index.ts';
import type { LabelledCt, MachineReference } from './masks.ts';
import { angleDeg, distanceToPlace, isOnItsSide } from './places.ts';
import type { Variation } from './variations.ts';

/** A point so far from its landmark or place is wrong, mm: a landmark and a real hinge point can be 11 mm apart on a ring. */
export const wrongMm = 20;

/** Points that were found, RAS mm. */
export type FoundPoints = Readonly<Partial<Record<PointName, Vector3>>>;

/** One point beside the machine's masks; all null when it was not found. */
export interface PointScore {
  readonly name: PointName;
  readonly at: Vector3 | null;
  /** To the machine's landmark that is the same thing, or nearly: hinge points only. */
  readonly markMm: number | null;
  /** To the nearest place where such a point can be. */
  readonly placeMm: number | null;
  readonly centreMm: number | null;
  readonly isOnItsSide: boolean | null;
}

/** An answer beside the machine's masks. */
export interface PlaceScore {
  readonly points: readonly PointScore[];
  readonly annulus: AnnulusScore | null;
  /** Of hinge points (to their landmarks, or where they can be) and ostia (to where they can be), in mm; null when half are missed. */
  readonly medianMm: number | null;
}

/** The annulus through the three hinge points. */
export interface AnnulusScore {
  readonly centreMm: number;
  readonly normalDeg: number;
  readonly diameterMm: number;
}

/** Overlap of one structure. */
export interface DiceScore {
  readonly structure: string;
  /** Null when the masks have none. */
  readonly dice: number | null;
}

/** Points by name. */
export function pointsOfPrediction({ points }: Pick<CtPrediction, 'points'>): FoundPoints {
  return Object.fromEntries(points.map(({ label, position }) => [label, position]));
}

/** The annulus that an answer has; null without three hinge points. */
export function annulusOf({ RCC, LCC, NCC }: FoundPoints): AnnulusPlane | null {
  return RCC === undefined || LCC === undefined || NCC === undefined
    ? null
    : annulusPlane({ RCC, LCC, NCC });
}

/** Distances, sides and angles. @param sought points that the student has a head for */
export function placeScore(
  found: FoundPoints,
  reference: MachineReference,
  sought: readonly PointName[] = pointNames,
): PlaceScore {
  const { annulus } = reference;
  const points = sought.map((name): PointScore => {
    const at = found[name];
    if (at === undefined) {
      return { name, at: null, markMm: null, placeMm: null, centreMm: null, isOnItsSide: null };
    }
    return {
      ...{ name, at },
      markMm: distanceToMark(name, at, reference),
      placeMm: distanceToPlace(name, at, reference),
      centreMm: distanceBetween(at, annulus.centre),
      isOnItsSide: isOnItsSide(name, at, annulus),
    };
  });
  const own = annulusOf(found);
  return {
    points,
    annulus:
      own === null
        ? null
        : {
            centreMm: distanceBetween(own.centre, annulus.centre),
            normalDeg: angleDeg(own.normal, annulus.normal),
            diameterMm: 2 * own.radiusMm,
          },
    medianMm: medianWithMissed(
      points
        .filter(({ name }) => !name.startsWith('MS'))
        .map(({ markMm, placeMm }) => markMm ?? placeMm),
    ),
  };
}

/** To the machine's place on the ring that faces a point's cusp; null for others than hinge points, and where it says none. */
function distanceToMark(
  name: PointName,
  at: Vector3,
  { annulus: { hinges }, hasHinges }: MachineReference,
): number | null {
  if (!hasHinges || !(name === 'RCC' || name === 'LCC' || name === 'NCC')) return null;
  return distanceBetween(at, hinges[name]);
}

/** Which values of the student's map are which of the machine's structures. */
const structures = [
  { structure: 'heart', values: [1, 2, 3, 4, 5], names: ['heart', 'aortic_annulus'] },
  { structure: 'aorta', values: [6], names: ['aorta', 'sinotubular_junction'] },
  {
    structure: 'pulmonary artery',
    values: [7],
    names: ['pulmonary_artery', 'pulmonary_annulus'],
  },
] as const;

/** The student's map of the heart beside the machine's masks, each structure as one. @param heart values as `heartLabels` */
export function heartScores(heart: Uint8Array, { labels, values }: LabelledCt): DiceScore[] {
  return structures.map(({ structure, values: own, names }) => {
    const theirs: readonly (number | undefined)[] = names.map((name) => values.get(name));
    const mine: readonly number[] = own;
    return {
      structure,
      dice: dice(
        heart.map((value) => (mine.includes(value) ? 1 : 0)),
        labels.map((value) => (theirs.includes(value) ? 1 : 0)),
        1,
      ),
    };
  });
}

/** What a student said of one guise, its points back in the CT's own space. */
export interface VariedAnswer {
  readonly variation: Pick<Variation, 'kind' | 'title'>;
  readonly points: FoundPoints;
  readonly verdict: CtPrediction['plausibility']['verdict'];
}

/** One point over all guises. */
export interface PointStability {
  readonly name: PointName;
  /** Distances to the answer about the CT itself, of guises that have the point; null where none has, or the CT itself has not. */
  readonly medianMm: number | null;
  readonly worstMm: number | null;
  /** Guises in which it was not found. */
  readonly missed: number;
  /** To its landmark, or to where it can be, over all guises; null when it was not found in half or more, or nothing is known of the CT. */
  readonly placeMedianMm: number | null;
}

/** All guises of a CT beside the CT itself. */
export interface Stability {
  readonly points: readonly PointStability[];
  /** Distance of the annulus' centre, as of a point. */
  readonly centre: Omit<PointStability, 'name'>;
  readonly plausible: number;
  /** Guises called plausible although a point is `wrongMm` or more from its landmark or place; null where nothing is known. */
  readonly wrongUnflagged: number | null;
  readonly count: number;
}

/** How far points stray. @param reference null where nobody knows the CT's root */
export function stabilityOf(
  unvaried: FoundPoints,
  varied: readonly VariedAnswer[],
  reference: MachineReference | null,
  sought: readonly PointName[] = pointNames,
): Stability {
  const one = (
    of: (points: FoundPoints) => Vector3 | undefined,
    toPlace: ((at: Vector3) => number) | null,
  ): Omit<PointStability, 'name'> => {
    const still = of(unvaried);
    const places = varied.map(({ points }) => of(points));
    const there = places.filter((at) => at !== undefined);
    const strayed = still === undefined ? [] : there.map((at) => distanceBetween(at, still));
    return {
      medianMm: medianWithMissed(strayed),
      worstMm: strayed.length === 0 ? null : Math.max(...strayed),
      missed: places.length - there.length,
      placeMedianMm:
        toPlace === null
          ? null
          : medianWithMissed(places.map((at) => (at === undefined ? null : toPlace(at)))),
    };
  };
  const centre = (points: FoundPoints): Vector3 | undefined => annulusOf(points)?.centre;
  return {
    points: sought.map((name) => ({
      name,
      ...one(
        (points) => points[name],
        reference === null
          ? null
          : (at) => distanceToMark(name, at, reference) ?? distanceToPlace(name, at, reference),
      ),
    })),
    centre: one(
      centre,
      reference === null ? null : (at) => distanceBetween(at, reference.annulus.centre),
    ),
    wrongUnflagged:
      reference === null
        ? null
        : varied.filter(
            ({ verdict, points }) =>
              verdict === 'plausible' && farthestOff(points, reference) >= wrongMm,
          ).length,
    plausible: varied.filter(({ verdict }) => verdict === 'plausible').length,
    count: varied.length,
  };
}

/** To its landmark, or else to where it can be, mm. */
function distanceTo(name: PointName, at: Vector3, reference: MachineReference): number {
  return distanceToMark(name, at, reference) ?? distanceToPlace(name, at, reference);
}

function farthestOff(points: FoundPoints, reference: MachineReference): number {
  const all = Object.entries(points) as [PointName, Vector3][];
  return Math.max(0, ...all.map(([name, at]) => distanceTo(name, at, reference)));
}

/** The middle of some points; null of none. */
export function middleOfPoints(points: FoundPoints): Vector3 | null {
  const all = Object.values(points);
  if (all.length === 0) return null;
  const sum = (axis: 0 | 1 | 2): number => all.reduce((total, at) => total + at[axis], 0);
  return [sum(0) / all.length, sum(1) / all.length, sum(2) / all.length];
}

/** Where a varied answer's points lie in the CT itself. */
export function broughtBack(points: FoundPoints, { back }: Pick<Variation, 'back'>): FoundPoints {
  return Object.fromEntries(Object.entries(points).map(([name, at]) => [name, back(at)]));
}
