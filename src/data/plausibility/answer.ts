/** An answer about a CT, held against what a heart can be. Pure: the same answer has the same verdict anywhere. */
import type { Volume } from '../volume/volume.ts';
import { imageFindings } from './image.ts';
import { rootFindings, type RootPoints } from './root.ts';
import { bloodFindings, calciumFindings } from './tissue.ts';
import { verdictOf, type Finding, type Plausibility } from './verdict.ts';

/** What was found in a CT. */
export interface Answer {
  readonly points: RootPoints;
  /** Whether points were looked for at all. */
  readonly seeksPoints: boolean;
  /** 0 where none, on the CT's grid, and its volume; null when nobody looked for it. */
  readonly calcium: { readonly mask: Uint8Array; readonly ml: number } | null;
}

/**
 * Plausible, or implausible with every reason: the image, the points among each other, the tissue at them, the calcium.
 * What is not known is not held against an answer, except when none of the points was found.
 */
export function judge(answer: Answer, ct: Volume): Plausibility {
  const { points, seeksPoints, calcium } = answer;
  const isEmpty = seeksPoints && Object.keys(points).length === 0;
  const none: Finding = {
    about: 'points',
    code: 'no_points',
    text: 'no point was found, and every heart has an aortic root',
  };
  return verdictOf([
    ...imageFindings(ct),
    ...(isEmpty ? [none] : []),
    ...rootFindings(points),
    ...bloodFindings(points, ct),
    ...(calcium === null ? [] : calciumFindings(calcium.mask, calcium.ml, ct)),
  ]);
}
