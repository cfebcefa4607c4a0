/** Measures of constructed roots: every expected value is arithmetic on the points that were put there. */
import { expect } from 'chai';
import {
  annulusPlane,
  encodeMeasures,
  heightMm,
  measureRoot,
  measuresCsv,
  rasAffine,
  type Measure,
  type RootMeasures,
  type RootPoints,
  type Vector3,
  type Volume,
} from '../../../src/data/index.ts';
import {
  agatstonLike,
  bloodPoolAt,
  calciumMm3,
  scoreThresholdHu,
} from '../../../src/data/measures/calcium.ts';
import { orientations, turned } from '../volume/orientations.ts';

/** Blood of 400 HU everywhere: 60 mm each way around the origin, 2 mm voxels. */
const blood: Volume = {
  shape: [60, 60, 60],
  affine: rasAffine([2, 2, 2], [-59, -59, -59]),
  data: new Float32Array(60 ** 3).fill(400),
};

/**
 * A tilted root, from whole numbers: normal (2, 1, 2)/3, in its plane e1 = (-2, 2, 1)/3 and e2 = n x e1 = (-1, -2, 2)/3. The
 * hinge points lie 12 mm from the centre: RCC along e1, LCC and NCC 120 and 240 degrees on against the clock.
 */
const n: Vector3 = [2 / 3, 1 / 3, 2 / 3];
const e1: Vector3 = [-2 / 3, 2 / 3, 1 / 3];
const e2: Vector3 = [-1 / 3, -2 / 3, 2 / 3];
const centre: Vector3 = [5, -7, 11];
const at = (degrees: number, radius: number, height: number): Vector3 => {
  const [c, s] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
  const part = (axis: 0 | 1 | 2): number =>
    centre[axis] + radius * (c * e1[axis] + s * e2[axis]) + height * n[axis];
  return [part(0), part(1), part(2)];
};
const root = {
  ...{ RCC: at(0, 12, 0), LCC: at(120, 12, 0), NCC: at(240, 12, 0) },
  ...{ RCA: at(10, 15, 17), LCA: at(125, 15, 13.5) },
  // 3 mm below, 4 mm along: 5 mm long.
  ...{ MS1: at(300, 12, 1), MS2: at(300, 8, -2) },
} as const;
const without = (...names: readonly string[]): RootPoints =>
  Object.fromEntries(Object.entries(root).filter(([name]) => !names.includes(name)));
const measured = (points: RootPoints, calcium: Uint8Array | null = null): RootMeasures =>
  measureRoot({ points, calcium }, blood);
const of = ({ measures }: RootMeasures, id: Measure['id']): Measure => {
  const found = measures.find((one) => one.id === id);
  if (found === undefined) throw new Error(`no measure ${id}`);
  return found;
};

describe('measures of a root', () => {
  const all = measured(root);

  it('finds the plane, its normal to the aorta and the circle through the hinge points', () => {
    all.annulus?.normal.forEach((part, axis) => {
      expect(part).closeTo(n[axis] ?? NaN, 1e-12);
    });
    all.annulus?.centre.forEach((mm, axis) => {
      expect(mm).closeTo(centre[axis] ?? NaN, 1e-9);
    });
    expect(of(all, 'annulus_diameter').value).closeTo(24, 1e-9);
  });

  const values: readonly (readonly [Measure['id'], number])[] = [
    ['lca_height', 13.5],
    ['rca_height', 17],
    ['septum_length', 5],
    ['septum_depth', 2],
    // The normal's third part is 2/3; seen from the front its sides 2/3 and 2/3 are equal.
    ['annulus_tilt', (Math.acos(2 / 3) * 180) / Math.PI],
    ['aortic_angulation', 45],
    // From the middle of LCC and NCC to RCC is along e1: as far to the left as to the front, and up by 1/3.
    ['three_cusp_lao', 45],
    ['three_cusp_cran', (Math.asin(1 / 3) * 180) / Math.PI],
  ];
  for (const [id, expected] of values) {
    it(`reads ${id} of a constructed root as ${expected.toFixed(1)}`, () => {
      const { value, reason, flag } = of(all, id);
      expect(value).closeTo(expected, 1e-9);
      expect(reason).equal(null);
      expect(flag.verdict).equal(flag.range === null ? 'not_judged' : 'plausible');
    });
  }

  it('takes the circle through all three points where the triangle is uneven', () => {
    // Legs of 12 and 16 mm at a right angle: the longest side, 20 mm, is the diameter, its middle the centre.
    const plane = annulusPlane({ RCC: [0, 12, 3], LCC: [0, 0, 3], NCC: [16, 0, 3] });
    expect(plane?.radiusMm).closeTo(10, 1e-12);
    expect(plane?.centre).deep.equal([8, 6, 3]);
    expect(plane?.normal).deep.equal([0, 0, 1]);
    expect(heightMm(plane!, [100, 100, 1])).equal(-2);
  });

  it('puts the C-arm where its rays run along the annulus, as the S-curve of a level and a leaning root has it', () => {
    // Level: LCC at 120 degrees to the left and back, so from LCC to RCC is 30 degrees to the right of straight ahead.
    const level = (degrees: number): Vector3 => [
      -13 * Math.sin((degrees * Math.PI) / 180),
      13 * Math.cos((degrees * Math.PI) / 180),
      0,
    ];
    const flat = measured({ RCC: level(0), LCC: level(120), NCC: level(240) });
    expect(of(flat, 'three_cusp_lao').value).closeTo(0, 1e-9);
    expect(of(flat, 'three_cusp_cran').value).closeTo(0, 1e-9);
    expect(of(flat, 'cusp_overlap_lao').value).closeTo(-30, 1e-9);
    expect(of(flat, 'cusp_overlap_cran').value).closeTo(0, 1e-9);
    // S-curve: tan(cran) = -(left sin(lao) + front cos(lao)) / up, of the normal's parts to the left, front and up.
    for (const view of ['three_cusp', 'cusp_overlap'] as const) {
      const lao = ((of(all, `${view}_lao`).value ?? NaN) * Math.PI) / 180;
      const cran = Math.atan(-(-n[0] * Math.sin(lao) + n[1] * Math.cos(lao)) / n[2]);
      expect(of(all, `${view}_cran`).value).closeTo((cran * 180) / Math.PI, 1e-9);
    }
  });

  it('says why a measure is absent, and judges no absent one', () => {
    const told = measured(without('LCC', 'LCA'));
    expect(told.annulus).equal(null);
    for (const { id, value, reason, flag } of told.measures) {
      if (id === 'septum_length') continue;
      expect(value, id).equal(null);
      expect(reason, id).match(/LCC not found|does not look for calcium/);
      expect(flag.verdict, id).equal('not_judged');
    }
    expect(of(told, 'septum_length').value).closeTo(5, 1e-9);
    const others = without('LCA', 'MS2');
    expect(of(measured(others), 'lca_height').reason).equal('LCA was not found');
    expect(of(measured(others), 'septum_depth').reason).equal('MS2 was not found');
    expect(of(measured(others), 'rca_height').value).closeTo(17, 1e-9);
  });

  it('says so of points in a line, which span no plane', () => {
    const line = measured({ RCC: [0, 0, 0], LCC: [-10, 0, 0], NCC: [10, 0, 0] });
    expect(line.annulus).equal(null);
    expect(of(line, 'annulus_diameter').reason).contain('in a line');
  });

  it('flags what no heart has, with the range and its source', () => {
    const high = of(measured({ ...root, LCA: at(125, 15, 36) }), 'lca_height');
    expect(high.value).closeTo(36, 1e-9);
    expect(high.flag).deep.equal({
      verdict: 'implausible',
      range: { low: 0, high: 34, source: 'Tops 2008' },
      text: 'expected 0 to 34 mm',
    });
  });

  it('doubts all that is measured from an annulus whose cusps are exchanged, and nothing else', () => {
    const swapped = measured({ ...root, LCC: root.NCC, NCC: root.LCC });
    for (const id of ['annulus_diameter', 'lca_height', 'three_cusp_lao'] as const) {
      expect(of(swapped, id).flag.verdict, id).equal('implausible');
    }
    expect(of(swapped, 'septum_length').flag.verdict).equal('plausible');
  });

  it('writes the same numbers with units as JSON and as CSV', () => {
    const json = JSON.parse(new TextDecoder().decode(encodeMeasures(all))) as {
      readonly annulus: { readonly normalRas: readonly number[] };
      readonly measures: readonly Measure[];
    };
    expect(json.annulus.normalRas).deep.equal([0.666667, 0.333333, 0.666667]);
    const lines = new TextDecoder().decode(measuresCsv(all)).trimEnd().split('\r\n');
    expect(lines[0]).equal('id,value,unit,flag,low,high,source,reason,title');
    expect(lines).contain('annulus_normal_up,0.666667,1,not_judged,,,,,"normal of the annulus to the aorta, RAS"'); // prettier-ignore
    for (const { id, value, unit } of json.measures) {
      const line = lines.find((one) => one.startsWith(`${id},`));
      expect(line, id).match(new RegExp(`^${id},${value ?? ''},${unit},`));
    }
    expect(lines.join('\n')).contain('lca_height,13.5,mm,plausible,0,34,Tops 2008,,left coronary');
    expect(lines.join('\n')).not.contain('NaN');
  });
});

describe('calcium on contrast CT', () => {
  /** Slices of 3 mm, pixels of 0.5 mm: a voxel has 0.25 mm² and 0.75 mm³. */
  function painted(lesions: readonly (readonly [hu: number, voxels: readonly Vector3[]])[]): {
    readonly ct: Volume;
    readonly mask: Uint8Array;
  } {
    const shape = [3, 8, 8] as const;
    const data = new Float32Array(3 * 64).fill(100);
    const mask = new Uint8Array(data.length);
    for (const [hu, voxels] of lesions) {
      for (const [k, j, i] of voxels) {
        data[(k * 8 + j) * 8 + i] = hu;
        mask[(k * 8 + j) * 8 + i] = 1;
      }
    }
    return { ct: { shape, affine: rasAffine([3, 0.5, 0.5], [0, 0, 0]), data }, mask };
  }
  const square = (k: number, j: number, i: number): Vector3[] => [
    ...([[k, j, i], [k, j, i + 1]] as Vector3[]), // prettier-ignore
    ...([[k, j + 1, i], [k, j + 1, i + 1]] as Vector3[]), // prettier-ignore
  ];
  const cases = painted([
    [450, square(0, 0, 0)], // 1 mm² of weight 4
    [350, [...square(1, 0, 0), ...square(1, 0, 2)]], // 2 mm² of weight 3
    [900, [[1, 5, 5], [1, 5, 6], [1, 6, 5]]], // 0.75 mm²: no lesion
    [250, square(2, 4, 4)], // 1 mm² of weight 2
    [140, square(2, 0, 0)], // 1 mm² of weight 1
  ]); // prettier-ignore

  it('is counted in mm³ as the voxels that are calcium, and as the dense ones of them', () => {
    // 4 + 8 + 3 + 4 + 4 voxels of 0.75 mm³; three of them have 850 HU.
    expect(calciumMm3(cases.mask, cases.ct)).closeTo(17.25, 1e-9);
    expect(calciumMm3(cases.mask, cases.ct, 850)).closeTo(2.25, 1e-9);
  });

  it("is scored slice by slice and lesion by lesion, with Agatston's weights", () => {
    // 1·4 + 2·3 + 1·2 + 1·1 from 130 HU; from 300 HU the last two are none.
    expect(agatstonLike(cases.mask, cases.ct, 130)).closeTo(13, 1e-9);
    expect(agatstonLike(cases.mask, cases.ct, 300)).closeTo(10, 1e-9);
    // A threshold below Agatston's is not believed.
    expect(agatstonLike(cases.mask, cases.ct, 0)).closeTo(13, 1e-9);
  });

  it('counts slices of 1.5 mm by half, since their lesions are seen twice', () => {
    const thin = { ...cases.ct, affine: rasAffine([1.5, 0.5, 0.5], [0, 0, 0]) };
    expect(agatstonLike(cases.mask, thin, 130)).closeTo(6.5, 1e-9);
  });

  it('does not join lesions that touch by a corner or lie in two slices', () => {
    const corner = painted([[500, [[0, 0, 0], [0, 0, 1], [0, 1, 2], [0, 1, 3]]]]); // prettier-ignore
    expect(agatstonLike(corner.mask, corner.ct, 130)).equal(0);
    const above = painted([[500, [[0, 0, 0], [0, 0, 1], [1, 0, 0], [1, 0, 1]]]]); // prettier-ignore
    expect(agatstonLike(above.mask, above.ct, 130)).equal(0);
  });

  it('has one score in all 48 orientations of a file', () => {
    const calcium = { ...cases.ct, data: Float32Array.from(cases.mask) };
    expect(orientations().length).equal(48);
    for (const way of orientations()) {
      const mask = Uint8Array.from(turned(calcium, way).data);
      const score = agatstonLike(mask, turned(cases.ct, way), 130);
      expect(score, JSON.stringify(way)).closeTo(13, 1e-9);
    }
  });

  it('takes its threshold from blood: the mean and two deviations, 130 HU at least', () => {
    // Half of the voxels 300, half 500: mean 400, deviation 100.
    const data = Float32Array.from(blood.data, (_, index) => (index % 2 === 0 ? 300 : 500));
    const pool = bloodPoolAt({ ...blood, data }, [0, 0, 0]);
    expect(pool).deep.equal({ meanHu: 400, stdHu: 100 });
    expect(scoreThresholdHu(pool!)).equal(600);
    expect(scoreThresholdHu({ meanHu: 40, stdHu: 10 })).equal(130);
    expect(bloodPoolAt(blood, [500, 0, 0])).equal(null);
  });

  it('has no score outside of the image, and says so', () => {
    const away = Object.fromEntries(
      Object.entries(root).map(([name, [x, y, z]]) => [name, [x, y, z + 500]]),
    ) as RootPoints;
    const none = measureRoot({ points: away, calcium: new Uint8Array(60 ** 3) }, blood);
    expect(of(none, 'agatston_like').reason).contain('outside of the image');
    expect(of(none, 'calcium_volume').value).equal(0);
    const some = measureRoot({ points: root, calcium: new Uint8Array(60 ** 3).fill(1, 0, 10) }, blood); // prettier-ignore
    expect(of(some, 'calcium_volume').value).equal(80); // 10 voxels of 8 mm³
    expect(of(some, 'agatston_like').value).closeTo((10 * 4 * 4 * 2) / 3, 1e-9); // 40 mm², weight 4, 2 mm of 3
  });
});
