/** An answer about a CT, held against what a heart can be. Pure: the same answer has the same verdict anywhere. */
import type { Volume } from '../volume/volume.ts';
import { rootProbabilityMin } from './anatomy.ts';
import { imageFindings } from './image.ts';
import { rootFindings, type RootPoints } from './root.ts';
import { bloodFindings, calciumFindings } from './tissue.ts';
import { verdictOf, type Finding, type Plausibility } from './verdict.ts';

/** What was found in a CT. */
export interface Answer {
  readonly points: RootPoints;
  /** Mean probability of all points that were looked for, 0 where one was not found; null when none was looked for. */
  readonly probability: number | null;
  /** 0 where none, on the CT's grid, and its volume; null when nobody looked for it. */
  readonly calcium: { readonly mask: Uint8Array; readonly ml: number } | null;
}

/**
 * Plausible, or implausible with every reason: the image, the points among each other, the tissue at them, the calcium.
 * What is not known is not held against an answer, except when none of the points was found.
 */
export function judge(answer: Answer, ct: Volume): Plausibility {
  const { points, probability, calcium } = answer;
  return verdictOf([
    ...imageFindings(ct),
    ...rootEvidence(Object.keys(points).length, probability),
    ...rootFindings(points),
    ...bloodFindings(points, ct),
    ...(calcium === null ? [] : calciumFindings(calcium.mask, calcium.ml, ct)),
  ]);
}

/** Whether there is a root at all. */
function rootEvidence(found: number, probability: number | null): Finding[] {
  if (probability === null) return [];
  if (found === 0) {
    const text = 'no point was found, and every heart has an aortic root';
    return [{ about: 'points', code: 'no_points', text }];
  }
  if (probability >= rootProbabilityMin) return [];
  const text =
    `no aortic root was found for certain: the points have a mean probability of ${probability.toFixed(2)}, ` +
    `expected ${rootProbabilityMin} at least (a point that was not found counts 0)`;
  return [{ about: 'points', code: 'weak_root', text }];
}
