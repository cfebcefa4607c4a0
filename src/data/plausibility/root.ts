/** Whether named points can be those of one aortic root: how far apart they are, in which plane, on which side. */
import type { PointName } from '../tasks.ts';
import {
  addVectors,
  crossProduct,
  distanceBetween,
  dotProduct,
  lengthOf,
  scaleVector,
  stepAlong,
  subtractVectors,
  unitVector,
  type Vector3,
} from '../volume/vector.ts';
import {
  annulusTiltDegMax,
  hingeAngleDegMin,
  hingeApartMm,
  ostiumHeightMm,
  ostiumRadiusMm,
  pointsApartMm,
  rootSpanMmMax,
  septumHeightMm,
  septumLengthMmMax,
  type Range,
} from './anatomy.ts';
import type { Finding } from './verdict.ts';

/** Points of a root, RAS mm; those that are not known are left out. */
export type RootPoints = Readonly<Partial<Record<PointName, Vector3>>>;

/** The ring of hinge points. */
interface Annulus {
  readonly centre: Vector3;
  /** Unit vector from the ventricle to the aorta. */
  readonly axis: Vector3;
  readonly hinges: Readonly<Record<'RCC' | 'LCC' | 'NCC', Vector3>>;
}

/**
 * Everything that speaks against `points` being those of one aortic root. What a wrong distance makes meaningless is not
 * looked at: no plane through hinge points that are none.
 */
export function rootFindings(points: RootPoints): Finding[] {
  const apart = distanceFindings(points);
  if (apart.length > 0) return apart;
  const { RCC, LCC, NCC } = points;
  if (RCC === undefined || LCC === undefined || NCC === undefined) return sideOfOstia(points);
  const ring = annulusFindings(RCC, LCC, NCC);
  if (ring.length > 0) return ring;
  const annulus: Annulus = {
    centre: scaleVector(addVectors(addVectors(RCC, LCC), NCC), 1 / 3),
    axis: axisOf(RCC, LCC, NCC),
    hinges: { RCC, LCC, NCC },
  };
  return [
    ...(['RCA', 'LCA'] as const).flatMap((name) => ostiumFindings(name, points[name], annulus)),
    ...(['MS1', 'MS2'] as const).flatMap((name) => septumFindings(name, points[name], annulus)),
    ...sideOfOstia(points),
  ];
}

function because(code: string, text: string): Finding {
  return { about: 'points', code, text };
}

/** From RCC over LCC to NCC the cusps run against the clock, seen from the aorta: the axis points to the eye. */
function axisOf(RCC: Vector3, LCC: Vector3, NCC: Vector3): Vector3 {
  return unitVector(crossProduct(subtractVectors(LCC, RCC), subtractVectors(NCC, RCC)));
}

function distanceFindings(points: RootPoints): Finding[] {
  const placed = Object.entries(points) as [PointName, Vector3][];
  const pairs = placed.flatMap(([one, at], n) =>
    placed.slice(n + 1).map(([other, there]) => ({ one, other, mm: distanceBetween(at, there) })),
  );
  const findings: Finding[] = [];
  const far = pairs.reduce((most, pair) => (pair.mm > most.mm ? pair : most), { one: '', other: '', mm: 0 }); // prettier-ignore
  if (far.mm > rootSpanMmMax) {
    findings.push(
      because(
        'points_apart',
        `${far.one} and ${far.other} are ${far.mm.toFixed(1)} mm apart, and all of a root lies within ${rootSpanMmMax} mm`,
      ),
    );
  }
  for (const { one, other, mm } of pairs) {
    const name = `${one} and ${other}`;
    const isHinges = one.endsWith('CC') && other.endsWith('CC');
    if (mm < pointsApartMm) findings.push(because('same_place', `${name} are at the same place`));
    else if (isHinges && !isIn(mm, hingeApartMm)) {
      const { low, high } = hingeApartMm;
      findings.push(
        because(
          'hinges_apart',
          `the hinge points ${name} are ${mm.toFixed(1)} mm apart, expected ${low} to ${high}`,
        ),
      );
    } else if (name === 'MS1 and MS2' && mm > septumLengthMmMax) {
      findings.push(
        because(
          'septum_long',
          `the membranous septum is ${mm.toFixed(1)} mm long, expected ${septumLengthMmMax} at most`,
        ),
      );
    }
  }
  return findings;
}

function annulusFindings(RCC: Vector3, LCC: Vector3, NCC: Vector3): Finding[] {
  const angle = Math.min(angleAt(RCC, LCC, NCC), angleAt(LCC, NCC, RCC), angleAt(NCC, RCC, LCC));
  if (angle < hingeAngleDegMin) {
    const text = `the hinge points lie almost in a line (smallest angle ${angle.toFixed(0)} degrees): they span no annulus`;
    return [because('no_annulus', text)];
  }
  const tilt = degrees(Math.acos(axisOf(RCC, LCC, NCC)[2]));
  if (tilt > annulusTiltDegMax) {
    const text = `RCC, LCC, NCC run with the clock seen from above, expected against it (tilt ${tilt.toFixed(0)} degrees, at most ${annulusTiltDegMax}): sides or names are exchanged`;
    return [because('cusps_order', text)];
  }
  const findings: Finding[] = [];
  if (LCC[0] >= NCC[0]) {
    findings.push(because('cusps_side', 'LCC lies to the right of NCC, expected to the left'));
  }
  if (RCC[1] <= (LCC[1] + NCC[1]) / 2) {
    findings.push(because('cusps_side', 'RCC lies behind LCC and NCC, expected in front'));
  }
  return findings;
}

function heightFindings(
  code: 'ostium_height' | 'septum_height',
  name: string,
  heightMm: number,
  range: Parameters<typeof isIn>[1],
): Finding[] {
  if (isIn(heightMm, range)) return [];
  const { low, high } = range;
  const text = `${name} is ${heightMm.toFixed(1)} mm above the annulus, expected ${low} to ${high}`;
  return [because(code, text)];
}

function ostiumFindings(
  name: 'RCA' | 'LCA',
  at: Vector3 | undefined,
  { centre, axis, hinges }: Annulus,
): Finding[] {
  if (at === undefined) return [];
  const away = subtractVectors(at, centre);
  const height = dotProduct(away, axis);
  const flat = stepAlong(away, axis, -height);
  const radius = lengthOf(flat);
  const findings = heightFindings('ostium_height', name, height, ostiumHeightMm);
  if (!isIn(radius, ostiumRadiusMm)) {
    const { low, high } = ostiumRadiusMm;
    const text = `${name} is ${radius.toFixed(1)} mm from the valve's axis, expected ${low} to ${high}`;
    findings.push(because('ostium_radius', text));
  } else {
    const cusp = name === 'RCA' ? 'RCC' : 'LCC';
    const over = nearestHinge(flat, centre, hinges);
    if (over !== cusp) {
      findings.push(because('ostium_cusp', `${name} lies over ${over}, expected over ${cusp}`));
    }
  }
  return findings;
}

function septumFindings(
  name: 'MS1' | 'MS2',
  at: Vector3 | undefined,
  { centre, axis, hinges }: Annulus,
): Finding[] {
  if (at === undefined) return [];
  const away = subtractVectors(at, centre);
  const height = dotProduct(away, axis);
  const findings = heightFindings('septum_height', name, height, septumHeightMm);
  if (nearestHinge(stepAlong(away, axis, -height), centre, hinges) === 'LCC') {
    const text = `${name} lies under LCC, expected between RCC and NCC`;
    findings.push(because('septum_side', text));
  }
  return findings;
}

/** The left ostium lies to the left of the right one, or behind it, however a heart is turned. */
function sideOfOstia({ RCA, LCA }: RootPoints): Finding[] {
  if (RCA === undefined || LCA === undefined) return [];
  const [right, front] = subtractVectors(LCA, RCA);
  if (right + front < 0) return [];
  const text = 'LCA lies to the right of RCA and in front of it, expected to the left or behind';
  return [because('ostia_side', text)];
}

/** Whose direction from the annulus' middle agrees best with `flat`. */
function nearestHinge(
  flat: Vector3,
  centre: Vector3,
  hinges: Annulus['hinges'],
): keyof Annulus['hinges'] {
  const towards = (name: keyof Annulus['hinges']): number =>
    dotProduct(flat, unitVector(subtractVectors(hinges[name], centre)));
  const names = ['RCC', 'LCC', 'NCC'] as const;
  return names.reduce((best, name) => (towards(name) > towards(best) ? name : best));
}

/** Angle of a triangle at `corner`, degrees. */
function angleAt(corner: Vector3, one: Vector3, other: Vector3): number {
  const a = unitVector(subtractVectors(one, corner));
  const b = unitVector(subtractVectors(other, corner));
  return degrees(Math.acos(Math.min(1, Math.max(-1, dotProduct(a, b)))));
}

function degrees(radians: number): number {
  return (radians * 180) / Math.PI;
}

function isIn(value: number, { low, high }: Range): boolean {
  return value >= low && value <= high;
}
