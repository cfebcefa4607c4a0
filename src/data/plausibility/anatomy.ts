/**
 * What a heart and its aortic root can be, from published measurements on CT. docs/specs/plausibility.md has the sources and
 * how each range follows from them: the published mean and four standard deviations, and 3 mm for a model's own error.
 * They are wide on purpose: outside of them an answer is wrong, inside it may be.
 */

/** From the lower to the upper end, both included. */
export interface Range {
  readonly low: number;
  readonly high: number;
}

/** Distance between two hinge points, mm: chords of annuli of 12.7 to 37.5 mm over 90 to 150 degrees. */
export const hingeApartMm: Range = { low: 6, high: 40 };

/** Diameter of the circle through the hinge points, mm: annuli of 12.7 to 37.5 mm, and 3 mm for a model's own error. */
export const annulusDiameterMm: Range = { low: 9.7, high: 40.5 };

/** Smallest angle of the triangle of hinge points, degrees; an even one has 60. */
export const hingeAngleDegMin = 30;

/** Angle between the annulus' axis towards the aorta and straight up, degrees; 18 to 90 were measured. */
export const annulusTiltDegMax = 95;

/** Height of an ostium over the annulus' plane, mm. */
export const ostiumHeightMm: Range = { low: 0, high: 34 };

/** Distance of an ostium from the annulus' axis, mm: from half a small annulus to half a wide sinus. */
export const ostiumRadiusMm: Range = { low: 3, high: 30 };

/** Height of both ends of the membranous septum over the annulus' plane, mm. */
export const septumHeightMm: Range = { low: -14, high: 17 };

/** Length of the membranous septum, mm. */
export const septumLengthMmMax = 18;

/** Farthest that two points of one root are apart, mm: from the septum's lower end to an ostium across the widest sinus. */
export const rootSpanMmMax = 70;

/** Nearest that two different points of one root are, mm. */
export const pointsApartMm = 1;

/** Blood with contrast, HU. Blood without has 30 to 60. */
export const contrastHu: Range = { low: 100, high: 1300 };

/** What is darker on average holds air: lung has -900 to -500 HU, fat -120 to -60. */
export const airHuMax = -300;

/** Least that calcium has, HU (Agatston 1990). */
export const calciumHuMin = 130;

/** Most calcium of an aortic valve, ml. */
export const calciumMlMax = 12;

/** A root with its ostia and septum, whichever way it lies, mm. */
export const rootRegionMm = 50;

/** Highest of the usual CT scale of 12 bits. */
export const scaleHuMax = 3071;

/** Least mean probability of the points of a root: between what whole roots and images without one have (plausibility.md). */
export const rootProbabilityMin = 0.5;
