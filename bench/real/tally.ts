/** Answers about phantoms, counted: what was right, what was flagged, and what was wrong without being flagged. */
import {
  distanceBetween,
  worldToVoxel,
  type Finding,
  type Geometry,
  type PointName,
  type Vector3,
} from '../../src/data/index.ts';
import { medianWithMissed } from '../../src/models/index.ts';
import type { FoundPoints } from './scores.ts';
import { markdownTable, mmText } from './text.ts';

/** A point nearer to its truth than this was found right, mm. */
export const rightMm = 10;

/** One image, its truth and what was said of it. */
export interface Judged {
  readonly geometry: Geometry;
  /** Points outside of the image among them; none where there is no root. */
  readonly truth: FoundPoints;
  readonly found: FoundPoints;
  /** Why it was called implausible; empty when it was not. */
  readonly reasons: readonly Pick<Finding, 'code'>[];
}

/** One image, counted. */
export interface ImageTally {
  /** Of points that were found and have a truth, in the image or out of it. */
  readonly errorsMm: readonly number[];
  /** Points that are in the image, those of them that were found, and those that were found within `rightMm`. */
  readonly there: number;
  readonly found: number;
  readonly near: number;
  /** All points sought are in the image and were found within `rightMm`. */
  readonly isRight: boolean;
  /** A point was given that is farther off, or that does not exist. */
  readonly isWrong: boolean;
  readonly isFlagged: boolean;
  readonly codes: readonly string[];
}

/** A kind of image, counted. */
export interface KindTally {
  readonly kind: string;
  readonly images: number;
  readonly there: number;
  readonly found: number;
  readonly near: number;
  readonly medianMm: number | null;
  readonly worstMm: number | null;
  readonly right: number;
  readonly flagged: number;
  readonly rightFlagged: number;
  /** Must be 0. */
  readonly wrongUnflagged: number;
  /** Images by reason. */
  readonly codes: Readonly<Record<string, number>>;
}

/** Counts one image. @param sought points that the student has a head for */
export function tallyImage(
  { geometry, truth, found, reasons }: Judged,
  sought: readonly PointName[],
): ImageTally {
  /** Null where it was not found, infinite where it does not exist. */
  const errorOf = (name: PointName): number | null => {
    const [at, wanted] = [found[name], truth[name]];
    if (at === undefined) return null;
    return wanted === undefined ? Infinity : distanceBetween(at, wanted);
  };
  const errors = sought.map(errorOf).filter((mm) => mm !== null);
  const there = sought.filter((name) => {
    const at = truth[name];
    return at !== undefined && isInside(at, geometry);
  });
  const isWrong = errors.some((mm) => mm >= rightMm);
  return {
    errorsMm: errors.filter((mm) => Number.isFinite(mm)),
    there: there.length,
    found: there.filter((name) => found[name] !== undefined).length,
    near: there.filter((name) => (errorOf(name) ?? Infinity) < rightMm).length,
    isRight: there.length === sought.length && errors.length === sought.length && !isWrong,
    isWrong,
    isFlagged: reasons.length > 0,
    codes: [...new Set(reasons.map(({ code }) => code))],
  };
}

/** Counts the images of a kind. */
export function tallyKind(kind: string, images: readonly ImageTally[]): KindTally {
  const sum = (of: (image: ImageTally) => number): number =>
    images.reduce((total, image) => total + of(image), 0);
  const count = (is: (image: ImageTally) => boolean): number => images.filter(is).length;
  const errors = images.flatMap(({ errorsMm }) => errorsMm);
  const codes = images.flatMap((image) => image.codes);
  return {
    ...{
      kind,
      images: images.length,
      there: sum((one) => one.there),
      found: sum((one) => one.found),
      near: sum((one) => one.near),
    },
    medianMm: medianWithMissed(errors),
    worstMm: errors.length === 0 ? null : Math.max(...errors),
    right: count(({ isRight }) => isRight),
    flagged: count(({ isFlagged }) => isFlagged),
    rightFlagged: count(({ isRight, isFlagged }) => isRight && isFlagged),
    wrongUnflagged: count(({ isWrong, isFlagged }) => isWrong && !isFlagged),
    codes: Object.fromEntries(
      [...new Set(codes)].sort().map((code) => [code, codes.filter((one) => one === code).length]),
    ),
  };
}

/** A row for each kind. */
export function tallyTable(tallies: readonly KindTally[]): string {
  return markdownTable(
    ['images', 'points found', `within ${rightMm} mm`, 'median, mm', 'worst, mm', 'found right', 'flagged', 'right, yet flagged', 'wrong and not flagged', 'flagged for'],
    tallies.map((tally) => [
      tally.kind,
      tally.there === 0 ? 'none is there' : `${tally.found} of ${tally.there}`,
      tally.there === 0 ? '' : `${tally.near} of ${tally.there}`,
      mmText(tally.medianMm),
      mmText(tally.worstMm),
      `${tally.right} of ${tally.images}`,
      `${tally.flagged} of ${tally.images}`,
      String(tally.rightFlagged),
      String(tally.wrongUnflagged),
      Object.entries(tally.codes).map(([code, images]) => `${code} ${images}`).join(', '),
    ]),
  ); // prettier-ignore
}

/** Inside of the box that the voxels fill. */
function isInside(at: Vector3, { shape: [depth, height, width], affine }: Geometry): boolean {
  const place = worldToVoxel(affine, at);
  return [width, height, depth].every((count, axis) => {
    const index = place[axis] as number;
    return index >= -0.5 && index <= count - 0.5;
  });
}
