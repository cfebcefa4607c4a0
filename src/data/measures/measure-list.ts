/** The measures, one by one: what each is called, its unit, and how it is read from a root. docs/predict.md explains them. */
import type { MeasureId } from '../plausibility/measure-ranges.ts';
import type { RootPoints } from '../plausibility/root.ts';
import { distanceBetween, type Vector3 } from '../volume/vector.ts';
import type { Volume } from '../volume/volume.ts';
import { heightMm, type AnnulusPlane } from './annulus-plane.ts';
import {
  agatstonLike,
  calciumMm3,
  denseHuMin,
  scoreThresholdHu,
  type BloodPool,
} from './calcium.ts';
import {
  annulusTiltDeg,
  aorticAngulationDeg,
  cuspOverlapView,
  threeCuspView,
} from './projection.ts';

/** Of a measure: `1` has no unit of its own. */
export type MeasureUnit = 'mm' | 'mm3' | 'deg' | '1';

/** A value, or the reason why there is none. */
export type Told = number | string;

/** What is known of a root; a text says why something is not. */
export interface RootFacts {
  readonly points: RootPoints;
  readonly plane: AnnulusPlane | string;
  /** Blood in the middle of the annulus. */
  readonly blood: BloodPool | string;
  /** On the CT's grid, 0 where none is. */
  readonly calcium: Uint8Array | string;
  readonly ct: Volume;
}

/** One measure. */
export interface MeasureDefinition {
  readonly id: MeasureId;
  /** For people. */
  readonly title: string;
  readonly unit: MeasureUnit;
  /** Whether it means nothing when the annulus' plane is wrong. */
  readonly isFromPlane: boolean;
  readonly read: (facts: RootFacts) => Told;
}

/** In documented order. */
export const measureList: readonly MeasureDefinition[] = [
  fromPlane('annulus_diameter', 'annulus, diameter of the circle through the hinge points', 'mm', (plane) => 2 * plane.radiusMm), // prettier-ignore
  fromPlane('annulus_tilt', 'annulus plane against the axial plane of the body', 'deg', annulusTiltDeg), // prettier-ignore
  fromPlane('aortic_angulation', 'annulus against the horizontal, seen from the front', 'deg', (plane) => aorticAngulationDeg(plane) ?? 'the annulus is seen flat from the front'), // prettier-ignore
  fromPlane('lca_height', 'left coronary ostium over the annulus plane', 'mm', heightOf('LCA')),
  fromPlane('rca_height', 'right coronary ostium over the annulus plane', 'mm', heightOf('RCA')),
  {
    id: 'septum_length',
    title: 'membranous septum, length',
    unit: 'mm',
    isFromPlane: false,
    read: ({ points }) => bothEnds(points, distanceBetween),
  },
  fromPlane('septum_depth', 'membranous septum, lower end below the annulus plane', 'mm', (plane, points) => bothEnds(points, (one, other) => -Math.min(heightMm(plane, one), heightMm(plane, other)))), // prettier-ignore
  ofCalcium('calcium_volume', 'calcium, volume', 'mm3', (mask, { ct }) => calciumMm3(mask, ct)),
  ofCalcium('calcium_volume_850', `calcium of ${denseHuMin} HU or more, volume`, 'mm3', (mask, { ct }) => calciumMm3(mask, ct, denseHuMin)), // prettier-ignore
  ofCalcium('agatston_like', 'Agatston-like score on contrast CT', '1', (mask, { ct, blood }) =>
    typeof blood === 'string' ? blood : agatstonLike(mask, ct, scoreThresholdHu(blood)),
  ),
  fromPlane('three_cusp_lao', 'three-cusp view, LAO; RAO below 0', 'deg', (plane) => threeCuspView(plane).laoDeg), // prettier-ignore
  fromPlane('three_cusp_cran', 'three-cusp view, CRAN; CAUD below 0', 'deg', (plane) => threeCuspView(plane).cranDeg), // prettier-ignore
  fromPlane('cusp_overlap_lao', 'cusp-overlap view, LAO; RAO below 0', 'deg', (plane) => cuspOverlapView(plane).laoDeg), // prettier-ignore
  fromPlane('cusp_overlap_cran', 'cusp-overlap view, CRAN; CAUD below 0', 'deg', (plane) => cuspOverlapView(plane).cranDeg), // prettier-ignore
];

/** A unit as people write it; nothing for `1`. */
export function unitText(unit: MeasureUnit): string {
  return { mm: 'mm', mm3: 'mm³', deg: '°', '1': '' }[unit];
}

function fromPlane(
  id: MeasureId,
  title: string,
  unit: MeasureUnit,
  read: (plane: AnnulusPlane, points: RootPoints) => Told,
): MeasureDefinition {
  const told = ({ plane, points }: RootFacts): Told =>
    typeof plane === 'string' ? plane : read(plane, points);
  return { id, title, unit, isFromPlane: true, read: told };
}

function ofCalcium(
  id: MeasureId,
  title: string,
  unit: MeasureUnit,
  read: (mask: Uint8Array, facts: RootFacts) => Told,
): MeasureDefinition {
  const told = (facts: RootFacts): Told =>
    typeof facts.calcium === 'string' ? facts.calcium : read(facts.calcium, facts);
  return { id, title, unit, isFromPlane: false, read: told };
}

function heightOf(name: 'LCA' | 'RCA'): (plane: AnnulusPlane, points: RootPoints) => Told {
  return (plane, points) => {
    const at = points[name];
    return at === undefined ? `${name} was not found` : heightMm(plane, at);
  };
}

/** Of the septum; the reason where an end is missing. */
function bothEnds({ MS1, MS2 }: RootPoints, read: (one: Vector3, other: Vector3) => number): Told {
  if (MS1 === undefined) return MS2 === undefined ? 'MS1 and MS2 were not found' : 'MS1 was not found'; // prettier-ignore
  return MS2 === undefined ? 'MS2 was not found' : read(MS1, MS2);
}
