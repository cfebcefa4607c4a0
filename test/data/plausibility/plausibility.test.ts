/** What a heart can be: truths of phantoms and a real root are, what cannot be is told with its reason. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { seededRandom } from '../../../src/base/index.ts';
import {
  decodeMarkups,
  decodeNifti,
  imageFindings,
  judge,
  makePhantom,
  phantomDefaults,
  plausibilityText,
  rasAffine,
  rootFindings,
  scannerDefaults,
  voxelMl,
  type Answer,
  type Plausibility,
  type PointName,
  type RootPoints,
  type Vector3,
  type Volume,
} from '../../../src/data/index.ts';
import { projectRoot } from '../../project-root.ts';

const shared = join(projectRoot, '..', 'shared');
const volumeOf = (file: string): Volume => decodeNifti(readFileSync(join(shared, file))).volume;
const codes = (reasons: Plausibility['reasons']): string[] => reasons.map(({ code }) => code);

/** Moves points, or leaves them out. */
function changed(
  points: RootPoints,
  changes: Readonly<Partial<Record<PointName, Vector3 | null>>>,
): RootPoints {
  const entries = Object.entries({ ...points, ...changes }).filter(([, at]) => at !== null);
  return Object.fromEntries(entries);
}

const mirrored = (points: RootPoints): RootPoints =>
  Object.fromEntries(Object.entries(points).map(([name, [x, y, z]]) => [name, [-x, y, z]]));

/**
 * A root by arithmetic: an annulus of 26 mm, level, in the published means. RCC to the front, LCC 120 degrees against the
 * clock, so to the left and back; ostia 17 and 14 mm up; the septum under the commissure of RCC and NCC, at -60 degrees.
 */
const at = (degrees: number, radius: number, height: number): Vector3 => [
  -radius * Math.sin((degrees * Math.PI) / 180),
  radius * Math.cos((degrees * Math.PI) / 180),
  height,
];
const root = {
  ...{ RCC: at(0, 13, 0), LCC: at(120, 13, 0), NCC: at(-120, 13, 0) },
  ...{ RCA: at(0, 16, 17), LCA: at(120, 16, 14), MS1: at(-60, 13, -1), MS2: at(-60, 13, -8) },
} as const;

describe('what a heart can be', () => {
  it('is what every phantom is, by its true points and calcium', () => {
    const grid = {
      ...phantomDefaults,
      shape: [32, 32, 32] as const,
      spacingMm: [4.5, 4.5, 4.5] as const,
      calciumShare: 1,
    };
    const scanners = [
      {},
      { blurFwhmMm: 2.4, noiseHu: 40, contrastTimingS: 3 },
      { contrastPeakHu: 300, offsetHu: -15 },
    ];
    for (let n = 0; n < 24; n++) {
      const scanner = { ...scannerDefaults, ...scanners[n % 3] };
      const { image, truth } = makePhantom(seededRandom(`plausible-${n}`), grid, scanner);
      const ml = truth.calcium.reduce((sum, value) => sum + value, 0) * voxelMl(image);
      const calcium = { mask: truth.calcium, ml };
      const verdict = judge({ points: truth.points, probability: 1, calcium }, image);
      expect(plausibilityText(verdict), `phantom ${n}`).equal('plausible');
      const other = judge({ points: mirrored(truth.points), probability: 1, calcium }, image);
      expect(other.verdict, `phantom ${n} with sides exchanged`).equal('implausible');
    }
  });

  describe('on the real CT', () => {
    const ct = volumeOf('data/cardiac_ct/cardiac_ct_1.5mm.nii.gz');
    const marks = new Map(
      decodeMarkups(readFileSync(join(shared, 'data/cardiac_ct/landmarks.mrk.json'))).map(
        ({ label, position }) => [label, position],
      ),
    );
    const hinge = (n: number): Vector3 =>
      marks.get(`aortic_annulus_pseudo_hinge_${n}`) ?? [NaN, NaN, NaN];
    // In RAS the first is the leftmost (x -23), the second lies in front (y 194), the third right and behind.
    const hinges = { LCC: hinge(1), RCC: hinge(2), NCC: hinge(3) };
    const answer = (points: RootPoints): Plausibility =>
      judge({ points, probability: 1, calcium: null }, ct);

    it('is its own root', () => {
      expect(plausibilityText(answer(hinges))).equal('plausible');
    });

    it('is not with its cusps exchanged, nor elsewhere in the body', () => {
      const swapped = { ...hinges, LCC: hinges.NCC, NCC: hinges.LCC };
      expect(codes(answer(swapped).reasons)).deep.equal(['cusps_order']);
      const moved = (by: Vector3): RootPoints =>
        Object.fromEntries(
          Object.entries(hinges).map(([name, p]) => [name, p.map((mm, n) => mm + by[n]!)]),
        );
      expect(codes(answer(moved([0, 0, 400])).reasons)).contain('outside');
      const lung = answer(moved([60, 0, 20]));
      expect(codes(lung.reasons)).contain.oneOf(['in_air', 'no_blood']);
    });

    it('is not with points 240 mm apart, as a student of phantoms gave them', () => {
      const [x, y, z] = hinges.LCC;
      const { verdict, reasons } = answer({ ...hinges, RCC: [x + 100, y, z + 218.2] });
      expect(verdict).equal('implausible');
      // sqrt(100² + 218.2²) = 240.02
      expect(reasons.map(({ text }) => text).join('\n')).contain('240.0 mm apart');
    });
  });

  it('takes an even root, also with points that are not known', () => {
    expect(rootFindings(root)).deep.equal([]);
    for (const name of Object.keys(root) as PointName[]) {
      expect(rootFindings(changed(root, { [name]: null })), name).deep.equal([]);
    }
    expect(rootFindings({})).deep.equal([]);
  });

  // Each by the arithmetic of the root above.
  const wrong: readonly (readonly [string, RootPoints, string, string])[] = [
    ['a point far away', changed(root, { MS2: [0, 0, -75] }), 'points_apart', '93.4 mm'], // to RCA: sqrt(16² + 92²)
    ['two points at one place', changed(root, { MS2: root.MS1 }), 'same_place', 'MS1 and MS2'],
    ['hinge points far apart', changed(root, { RCC: [0, 40, 0] }), 'hinges_apart', '47.8 mm'], // sqrt(11.26² + 46.5²)
    ['a long septum', changed(root, { MS2: at(-60, 13, -21) }), 'septum_long', '20.0 mm'],
    ['hinge points in a line', changed(root, { RCC: [0, -5, 0] }), 'no_annulus', '8 degrees'], // atan(1.5 / 11.26)
    [
      'cusps the other way round',
      changed(root, { LCC: root.NCC, NCC: root.LCC }),
      'cusps_order',
      'tilt 180 degrees',
    ],
    [
      'an ostium under the annulus',
      changed(root, { RCA: at(0, 16, -9) }),
      'ostium_height',
      '-9.0 mm',
    ],
    ['an ostium far up', changed(root, { LCA: at(120, 16, 40) }), 'ostium_height', '40.0 mm'],
    ['an ostium off the root', changed(root, { LCA: at(120, 35, 14) }), 'ostium_radius', '35.0 mm'],
    [
      'ostia exchanged',
      changed(root, { RCA: root.LCA, LCA: root.RCA }),
      'ostium_cusp',
      'RCA lies over LCC',
    ],
    ['a septum far below', changed(root, { MS1: at(-60, 13, -20), MS2: at(-60, 13, -25) }), 'septum_height', '-20.0 mm'], // prettier-ignore
    ['a septum on the left', changed(root, { MS1: at(110, 13, -1) , MS2: null }), 'septum_side', 'under LCC'], // prettier-ignore
    [
      'ostia exchanged, where the cusps are not known',
      { RCA: root.LCA, LCA: root.RCA },
      'ostia_side',
      'LCA lies to the right',
    ],
    // Turned about the vertical by 180 degrees: distances and order are right, the side is not.
    [
      'a root that faces the back',
      { RCC: at(180, 13, 0), LCC: at(300, 13, 0), NCC: at(60, 13, 0) },
      'cusps_side',
      'RCC lies behind',
    ],
  ];
  for (const [what, points, code, words] of wrong) {
    it(`is not ${what}`, () => {
      const findings = rootFindings(points);
      expect(codes(findings)).contain(code);
      expect(findings.map(({ text }) => text).join('\n')).contain(words);
    });
  }

  const images: readonly (readonly [string, Volume, readonly string[]])[] = [
    ['one value', volumeOf('tried/const.nii.gz'), ['constant', 'no_lung', 'no_contrast']],
    ['unsigned values without their intercept', volumeOf('tried/u16_noint.nii.gz'), ['no_lung']],
    [
      'labels of a heart',
      volumeOf('data/cardiac_ct/cardiac_labels_1.5mm.nii.gz'),
      ['label_map', 'no_lung', 'no_contrast'],
    ],
    [
      'labels of a whole body',
      volumeOf('data/dicom_ct/labels.nii.gz'),
      ['small_field', 'label_map', 'no_lung'],
    ],
    // 24 x 22 x 20 voxels of 1.5 mm, all of it blood and muscle.
    ['a small part', volumeOf('data/odd/nifti_ok/base_i16.nii'), ['small_field', 'no_lung']],
    ['a CT without contrast', withoutContrast(), ['no_contrast']],
    ['values ten times as large', timesTen(), ['not_hu']],
  ];
  for (const [what, image, expected] of images) {
    it(`has no image of ${what}`, () => {
      expect(codes(imageFindings(image))).include.members([...expected]);
      const verdict = judge({ points: root, probability: 1, calcium: null }, image);
      expect(plausibilityText(verdict)).match(/^implausible because /);
    });
  }

  it('says that an intercept may be lost, and only then', () => {
    const said = (file: string): string =>
      imageFindings(volumeOf(file))
        .map(({ text }) => text)
        .join('\n');
    expect(said('tried/u16_noint.nii.gz')).contain('was an intercept of -1024 lost?');
    expect(said('tried/const.nii.gz')).not.contain('intercept');
  });

  it('has no more calcium than a valve, and dense', () => {
    const ct = chest();
    // Voxels of 0.027 ml: 440 are 11.88 ml, 450 are 12.15 ml.
    const judged = (count: number, from: number): string[] => {
      const dense = [...ct.data.keys()].filter((voxel) => ct.data[voxel] === from).slice(0, count);
      const mask = new Uint8Array(ct.data.length);
      for (const voxel of dense) mask[voxel] = 1;
      const calcium = { mask, ml: count * 0.027 };
      return codes(judge({ points: {}, probability: null, calcium }, ct).reasons);
    };
    expect(judged(440, 350.5)).deep.equal([]);
    expect(judged(450, 350.5)).deep.equal(['calcium_much']);
    expect(judged(10, 50)).deep.equal(['calcium_soft']);
  });

  it('has its root found, where points are sought', () => {
    const ct = chest();
    const judged = (answer: Partial<Answer>): string[] =>
      codes(judge({ points: {}, probability: 1, calcium: null, ...answer }, ct).reasons);
    expect(judged({})).deep.equal(['no_points']);
    expect(judged({ probability: null })).deep.equal([]);
  });
});

/** 90 mm each way: lung on the right, blood with contrast in the middle, muscle elsewhere. */
function chest(): Volume {
  const shape = [30, 30, 30] as const;
  const data = Float32Array.from({ length: 27000 }, (_, n) => {
    const i = n % 30;
    return i < 8 ? -850 : i < 20 ? 350.5 : 50;
  });
  return { shape, affine: rasAffine([3, 3, 3], [-45, -45, -45]), data };
}

function withoutContrast(): Volume {
  const ct = chest();
  return { ...ct, data: ct.data.map((hu) => (hu > 100 ? 45 : hu)) };
}

function timesTen(): Volume {
  const ct = chest();
  return { ...ct, data: ct.data.map((hu) => hu * 10) };
}
