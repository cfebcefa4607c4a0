/** A case as a site's programs left it: names, axes, grids, and what no heart has. */
import { expect } from 'chai';
import { seededRandom, utf8 } from '../../../src/base/index.ts';
import {
  DataError,
  decodeMarkups,
  decodeNifti,
  decodePoints,
  encodeMarkups,
  encodeNifti,
  labelNames,
  makePhantom,
  phantomDefaults,
  pointNames,
  readCt,
  siteCase,
  type PointName,
  type SiteSources,
  type Vector3,
  type Volume,
} from '../../../src/data/index.ts';
import { orientations, turned } from '../volume/orientations.ts';

const { image, truth } = makePhantom(seededRandom('site case'), {
  ...phantomDefaults,
  ...{ shape: [30, 32, 34], spacingMm: [4, 4, 4], calciumShare: 1, poseSpread: 0.5 },
});
const ct = { volume: image, notes: [] };
const names = labelNames([]);
const markups = pointNames.map((label) => ({ label, position: truth.points[label] }));
const maskOf = (data: Uint8Array): Volume => ({ ...image, data: Float32Array.from(data) });
const sources: SiteSources = {
  ct,
  points: [{ task: null, markups }],
  masks: [
    { meaning: 'calc', volume: maskOf(truth.calcium) },
    { meaning: 'heart', volume: maskOf(truth.heart) },
  ],
};

function ruleOf(changed: Partial<SiteSources>, lines: readonly string[] = []): string {
  try {
    siteCase({ ...sources, ...changed }, labelNames(lines));
  } catch (error) {
    if (error instanceof DataError && error.facts.code === 'bad_label') return error.facts.rule;
    throw error;
  }
  return 'none';
}

/** The points with some of them elsewhere, or called otherwise. */
function changed(change: Partial<Record<PointName, Vector3 | string>>): SiteSources['points'] {
  return [
    {
      task: null,
      markups: markups.map(({ label, position }) => {
        const to = change[label] ?? position;
        return typeof to === 'string' ? { label: to, position } : { label, position: to };
      }),
    },
  ];
}

describe("a site's case", () => {
  it('becomes files that hold nothing but pixels, places and labels', () => {
    const made = siteCase(sources, names);
    expect(made.labels).deep.equal(['hps', 'ms', 'calc', 'heart']);
    expect(made.doubts).deep.equal([]);
    const kept = decodeNifti(made.files.ct ?? new Uint8Array());
    expect(kept.volume.data).deep.equal(image.data);
    expect([...kept.volume.affine]).deep.equal([...image.affine].map(Math.fround));
    expect(decodeMarkups(made.files.hps ?? utf8('')).map(({ label }) => label)).deep.equal(
      pointNames.slice(0, 5),
    );
    const calcium = decodeNifti(made.files.calc ?? new Uint8Array()).volume.data;
    expect(calcium).deep.equal(Float32Array.from(truth.calcium));
  });

  it('is the same whichever way the axes of CT and label maps run, points within 0.01 mm', () => {
    const expected = siteCase(sources, names);
    for (const way of orientations()) {
      const file = encodeNifti(turned(image, way), { gzip: false });
      const made = siteCase(
        {
          ct: readCt(file),
          points: [{ task: null, markups: decodePoints(encodeMarkups(markups), 'a.mrk.json') }],
          // The label map as another program may write it: its axes run otherwise than the CT's.
          masks: [{ meaning: 'calc', volume: turned(maskOf(truth.calcium), { from: way.from, flip: [true, false, true] }) }], // prettier-ignore
        },
        names,
      );
      // NIfTI keeps places in 32 bits, so corners of files differ in the seventh digit.
      expect(made.ct.data, JSON.stringify(way)).deep.equal(expected.ct.data);
      made.ct.affine.forEach((mm, n) => {
        expect(mm).closeTo(image.affine[n] ?? NaN, 1e-4);
      });
      expect(made.calcium, JSON.stringify(way)).deep.equal(expected.calcium);
      for (const { label, position } of markups) {
        made.points[label]?.forEach((mm, axis) => {
          expect(mm).closeTo(position[axis] ?? NaN, 0.01);
        });
      }
    }
  });

  it('keeps points within 0.01 mm on an oblique grid', () => {
    // 25 degrees about the first axis: cos 0.9063, sin 0.4226; the middle of the grid stays where it is.
    const [c, s] = [Math.cos((25 * Math.PI) / 180), Math.sin((25 * Math.PI) / 180)];
    const affine = Float64Array.of(4, 0, 0, image.affine[3] ?? 0, 0, 4 * c, -4 * s, 0, 0, 4 * s, 4 * c, 0, 0, 0, 0, 1); // prettier-ignore
    const oblique = { ...image, affine };
    const inside: Vector3 = [(image.affine[3] ?? 0) + 40, 20.125, 60.5];
    const made = siteCase(
      {
        ct: readCt(encodeNifti(oblique, { gzip: false })),
        points: [{ task: null, markups: [{ label: 'MS1', position: inside }] }],
        masks: [],
      },
      names,
    );
    const [kept] = decodeMarkups(made.files.ms ?? utf8(''));
    kept?.position.forEach((mm, axis) => {
      expect(mm).closeTo(inside[axis] ?? NaN, 0.01);
    });
    expect([...decodeNifti(made.files.ct ?? utf8('')).volume.affine]).deep.equal(
      [...affine].map(Math.fround),
    );
  });

  it("takes a site's own names from its table", () => {
    const points = changed({ RCC: 'Hinge  rcc', LCC: 'left-coronary cusp', MS2: 'STJ_mid' });
    const table = ['Hinge RCC = RCC', 'Left coronary cusp=LCC', 'stj mid = ignore'];
    expect(ruleOf({ points })).equal('unknown_name');
    const made = siteCase({ ...sources, points }, labelNames(table));
    expect(made.points.RCC).deep.equal(truth.points.RCC);
    expect(made.points.LCC).deep.equal(truth.points.LCC);
    expect(made.points).not.have.property('MS2');
    expect(made.notes.join('\n')).contain('1 points are passed over').and.contain('MS2 is not');
    for (const line of ['RCC', 'a = b', ' = RCC', 'Hinge = RCX', `${'a'.repeat(200)} = RCC`]) {
      expect(() => labelNames([line]), line).throw(DataError, /names: expected/);
    }
  });

  it('is refused with points outside of the CT, twice, at one place, or none', () => {
    const outside: Vector3 = [500, 0, 0];
    expect(ruleOf({ points: changed({ RCC: outside }) })).equal('outside_ct');
    expect(ruleOf({ points: [...sources.points, ...sources.points] })).equal('name_twice');
    expect(ruleOf({ points: changed({ RCC: truth.points.LCC }) })).equal('same_place');
    expect(ruleOf({ points: [{ task: null, markups: [] }] })).equal('no_points');
    const septum = markups.slice(5);
    expect(ruleOf({ points: [{ task: 'hps', markups: septum }] })).equal('no_points');
  });

  it('is refused with label maps on another grid, of other values, or twice', () => {
    const shifted = { ...maskOf(truth.calcium), affine: image.affine.map((mm, n) => (n === 3 ? mm + 4 : mm)) }; // prettier-ignore
    expect(ruleOf({ masks: [{ meaning: 'calc', volume: shifted }] })).equal('other_grid');
    const values = maskOf(truth.calcium.map((value) => value * 2));
    expect(ruleOf({ masks: [{ meaning: 'calc', volume: values }] })).equal('other_value');
    const [calc] = sources.masks;
    expect(ruleOf({ masks: calc === undefined ? [] : [calc, calc] })).equal('label_twice');
  });

  it('puts structures that are segments of their own into one map', () => {
    const part = (value: number): Volume => maskOf(truth.heart.map((held) => (held === value ? 1 : 0))); // prettier-ignore
    const masks = [1, 2, 3, 4, 5, 6, 7].map((value) => ({ meaning: `heart:${value}` as const, volume: part(value) })); // prettier-ignore
    const made = siteCase({ ...sources, masks }, names);
    const heart = decodeNifti(made.files.heart ?? utf8('')).volume.data;
    expect(heart).deep.equal(Float32Array.from(truth.heart));
  });

  it('is doubted when cusps are exchanged, sides are, or distances are of no heart', () => {
    const { RCC, LCC, NCC, RCA } = truth.points;
    const doubt = (points: SiteSources['points']): string | undefined =>
      siteCase({ ...sources, points }, names).doubts[0]?.code;
    expect(doubt(changed({ LCC: NCC, NCC: LCC }))).equal('cusps_order');
    const far: Vector3 = [RCA[0], RCA[1] + 45, RCA[2]];
    expect(doubt(changed({ RCA: far }))).oneOf(['points_apart', 'ostium_radius', 'ostium_height']);
    const apart: Vector3 = [RCC[0] + 5, RCC[1] + 45, RCC[2]];
    expect(doubt(changed({ RCC: apart }))).oneOf(['points_apart', 'hinges_apart']);
  });
});
