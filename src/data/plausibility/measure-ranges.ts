/** What each measure of a root can be, with the source of its range; docs/specs/plausibility.md has how each follows from it. */
import {
  annulusDiameterMm,
  annulusTiltDegMax,
  calciumMlMax,
  ostiumHeightMm,
  septumHeightMm,
  septumLengthMmMax,
  type Range,
} from './anatomy.ts';

/** A measure that is read from points, calcium and image. */
export type MeasureId =
  | 'annulus_diameter'
  | 'annulus_tilt'
  | 'aortic_angulation'
  | 'rca_height'
  | 'lca_height'
  | 'septum_length'
  | 'septum_depth'
  | 'calcium_volume'
  | 'calcium_volume_850'
  | 'agatston_like'
  | 'three_cusp_lao'
  | 'three_cusp_cran'
  | 'cusp_overlap_lao'
  | 'cusp_overlap_cran';

/** A range and where it comes from. */
export interface MeasureRange extends Range {
  /** Short; in full in docs/specs/plausibility.md. */
  readonly source: string;
}

const tops = 'Tops 2008';
const angles = 'Int J Cardiol 2021;338:58';
const septum = 'Clin Anat 2018;31:525';
const calcium = 'Clin Radiol 2003;58:712';

/** Most of a score: the most calcium, all of it of the highest weight 4, in slices of 3 mm. */
const scoreMax = (calciumMlMax * 1000 * 4) / 3;

/** Ranges by measure; null where nothing that was published bounds it. */
export const measureRanges: Readonly<Record<MeasureId, MeasureRange | null>> = {
  annulus_diameter: { ...annulusDiameterMm, source: tops },
  annulus_tilt: { low: 0, high: annulusTiltDegMax, source: angles },
  aortic_angulation: { low: 0, high: annulusTiltDegMax, source: angles },
  rca_height: { ...ostiumHeightMm, source: tops },
  lca_height: { ...ostiumHeightMm, source: tops },
  septum_length: { low: 1, high: septumLengthMmMax, source: septum },
  septum_depth: { low: -septumHeightMm.high, high: -septumHeightMm.low, source: septum },
  calcium_volume: { low: 0, high: calciumMlMax * 1000, source: calcium },
  calcium_volume_850: { low: 0, high: calciumMlMax * 1000, source: calcium },
  agatston_like: { low: 0, high: scoreMax, source: calcium },
  three_cusp_lao: null,
  three_cusp_cran: null,
  cusp_overlap_lao: null,
  cusp_overlap_cran: null,
};
