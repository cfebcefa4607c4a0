/** What the bench on real CTs computes: places, sides and turns by arithmetic, and every variation there and back. */
import { expect } from 'chai';
import {
  averageHinges,
  distanceToBand,
  distanceToPlace,
  distanceToWall,
  isOnItsSide,
  ostiumWall,
  type RootPlaces,
} from '../../bench/real/places.ts';
import { machineReference, surfaceOf, thinAxis, type LabelledCt } from '../../bench/real/masks.ts';
import {
  heartScores,
  placeScore,
  stabilityOf,
  type VariedAnswer,
} from '../../bench/real/scores.ts';
import {
  cropped,
  turnBack,
  turned,
  turnPlace,
  variationsOf,
  type Turn,
} from '../../bench/real/variations.ts';
import { seededRandom } from '../../src/base/index.ts';
import {
  annulusPlane,
  distanceBetween,
  heightMm,
  makePhantom,
  phantomDefaults,
  pointNames,
  rasAffine,
  voxelToWorld,
  type Geometry,
  type PointName,
  type Vector3,
  type Volume,
} from '../../src/data/index.ts';

/** Around an upright axis through 0: 0 degrees is the front, against the clock seen from above. */
const at = (degrees: number, radius: number, height: number): Vector3 => [
  -radius * Math.sin((degrees * Math.PI) / 180),
  radius * Math.cos((degrees * Math.PI) / 180),
  height,
];
const up: Vector3 = [0, 0, 1];
const annulus = averageHinges([0, 0, 0], up);
/** The aorta as a tube of 15 mm from 0 to 40 mm up, seen every 5 degrees and every mm. */
const wall = Array.from({ length: 72 * 41 }, (_, n) => at((n % 72) * 5, 15, Math.floor(n / 72)));
const root: RootPlaces = { annulus, wall };
const grid = (shape: Vector3, mm = 1): Geometry => ({
  shape,
  affine: rasAffine([mm, mm, mm], [0, 0, 0]),
});

describe('places of a root', () => {
  it('have RCC in front and the others 120 degrees on, against the clock seen from the aorta', () => {
    const { RCC, LCC, NCC } = annulus.hinges;
    for (const [hinge, degrees] of [[RCC, 0], [LCC, 120], [NCC, 240]] as const) {
      expect(distanceBetween(hinge, at(degrees, 12.45, 0))).closeTo(0, 1e-9);
    } // prettier-ignore
    expect(LCC[0]).lessThan(0);
    expect(NCC[0]).greaterThan(0);
  });

  it('are as far as a ring and a band are by Pythagoras', () => {
    const band = {
      radiusMm: 12,
      middle: [0, 1, 0] as Vector3,
      halfAngleDeg: 180,
      lowMm: 0,
      highMm: 0,
    };
    expect(distanceToBand([0, 15, 4], annulus, band)).closeTo(5, 1e-9);
    expect(distanceToBand([0, 0, 5], annulus, band)).closeTo(13, 1e-9);
    expect(distanceToBand([0, -12, 0], annulus, band)).closeTo(0, 1e-9);
    // From 90 degrees to the arc's end at 60: a chord of 2 · 12 · sin 15°.
    const third = { ...band, halfAngleDeg: 60 };
    expect(distanceToBand(at(90, 12, 0), annulus, third)).closeTo(6.2117, 1e-4);
    expect(distanceToBand(at(-90, 12, 0), annulus, third)).closeTo(6.2117, 1e-4);
    const high = { ...band, lowMm: -3, highMm: 9 };
    expect(distanceToBand([12, 0, 12], annulus, high)).closeTo(3, 1e-9);
    expect(distanceToBand([12, 0, -7], annulus, high)).closeTo(4, 1e-9);
    expect(distanceToBand([12, 0, 8], annulus, high)).closeTo(0, 1e-9);
  });

  it('take each point of a drawn root, and none of it exchanged', () => {
    const drawn: Readonly<Record<PointName, Vector3>> = {
      ...{ RCC: at(0, 12.45, 0), LCC: at(120, 12.45, 0), NCC: at(240, 12.45, 0) },
      ...{ RCA: at(0, 15, 17), LCA: at(120, 15, 14), MS1: at(300, 12.45, -1), MS2: at(300, 12.45, -8) },
    }; // prettier-ignore
    for (const name of pointNames) {
      expect(distanceToPlace(name, drawn[name], root), name).closeTo(0, 1e-9);
      expect(isOnItsSide(name, drawn[name], annulus), name).equal(true);
    }
    // From 120 degrees to the third's end at 60: a chord of 2 · 12.45 · sin 30°.
    expect(distanceToPlace('RCC', drawn.LCC, root)).closeTo(12.45, 1e-9);
    // On the tube from 120 to 60 degrees, 14 mm up as before: 2 · 15 · sin 30°.
    expect(distanceToPlace('RCA', drawn.LCA, root)).closeTo(15, 1e-9);
    // From 7.3 mm on there are places 8, 9, … mm up.
    expect(distanceToPlace('LCA', at(120, 15, 2), root)).closeTo(6, 1e-9);
    // From 120 degrees to the band's end at 270: a chord of 2 · 12.45 · sin 75°.
    expect(distanceToPlace('MS1', at(120, 12.45, 0), root)).closeTo(24.0516, 1e-4);
    expect(isOnItsSide('RCC', drawn.LCC, annulus)).equal(false);
    expect(isOnItsSide('LCA', drawn.NCC, annulus)).equal(false);
    expect(isOnItsSide('MS2', drawn.LCC, annulus)).equal(false);
  });

  it('have no ostium where the aorta has no wall', () => {
    expect(ostiumWall('RCC', { annulus, wall: [[0, 15, 40]] })).deep.equal([]);
    expect(distanceToWall([0, 0, 0], [])).equal(Infinity);
    expect(distanceToWall([0, 0, 0], [[3, 4, 0], [0, 0, 7]])).equal(5); // prettier-ignore
  });
});

describe('masks of a machine', () => {
  it('give the direction in which they are thin', () => {
    const plate = [
      [1, 0, 1],
      [-1, 0, -1],
      [0, 2, 0],
      [0, -2, 0],
    ] as const; // on the plane z = x
    const axis = thinAxis(plate, [0, 0, 0]); // prettier-ignore
    expect(Math.abs(axis[0] - axis[2])).closeTo(Math.SQRT2, 1e-9);
    expect(axis[1]).closeTo(0, 1e-9);
  });

  it('have a face between two voxels as surface, and none at the end of the image', () => {
    const labels = new Uint8Array(4 * 4 * 4);
    for (const n of [21, 22, 25, 26, 37, 38, 41, 42]) labels[n] = 2; // 2 x 2 x 2 in the middle
    const values = new Map([['aorta', 2]]);
    const faces = surfaceOf({ geometry: grid([4, 4, 4]), labels, values }, ['aorta']);
    expect(faces.length).equal(24);
    expect(Math.min(...faces.map(([x]) => x))).equal(0.5);
    expect(Math.max(...faces.map(([x]) => x))).equal(2.5);
    const full = { geometry: grid([4, 4, 4]), labels: labels.fill(2), values };
    expect(surfaceOf(full, ['aorta'])).deep.equal([]);
  });

  /** Width 9, height 9, depth 6: the annulus is the slice k = 1, the junction k = 4 above it, the aorta between. */
  const labelled = (): LabelledCt => {
    const labels = new Uint8Array(9 * 9 * 6);
    for (let n = 0; n < 81; n++) {
      const isEdge = n % 9 === 0 || n % 9 === 8 || n < 9 || n >= 72;
      if (isEdge) continue;
      labels[81 + n] = 4;
      labels[162 + n] = labels[243 + n] = 2;
      labels[324 + n] = 5;
    }
    labels[0] = 1;
    const names = { heart: 1, aorta: 2, aortic_annulus: 4, sinotubular_junction: 5 };
    return { geometry: grid([6, 9, 9], 2), labels, values: new Map(Object.entries(names)) };
  };

  it('have an annulus with its centre, its normal towards the junction, and cusps by where the landmarks lie', () => {
    const bare = machineReference(labelled(), []);
    expect(distanceBetween(bare.annulus.centre, [8, 8, 2])).closeTo(0, 1e-9);
    expect(distanceBetween(bare.annulus.normal, [0, 0, 1])).closeTo(0, 1e-9);
    expect([bare.hasHinges, bare.landmarkOffMm, bare.heartMiddle]).deep.equal([
      false,
      null,
      [0, 0, 0],
    ]);
    const mark = (label: string, position: Vector3) => ({ label, position });
    const told = machineReference(labelled(), [
      mark('aortic_annulus_centre', [8, 8, 5]),
      mark('aortic_annulus_pseudo_hinge_1', [2, 5, 2]),
      mark('aortic_annulus_pseudo_hinge_2', [13, 4, 2]),
      mark('aortic_annulus_pseudo_hinge_3', [9, 14, 2]),
    ]);
    expect(told.landmarkOffMm).closeTo(3, 1e-9);
    expect(told.hasHinges).equal(true);
    expect(told.annulus.hinges).deep.equal({ LCC: [2, 5, 2], RCC: [9, 14, 2], NCC: [13, 4, 2] });
  });

  it('are refused without an annulus', () => {
    const { geometry, labels } = labelled();
    const values = new Map([['heart', 1], ['aorta', 2]]); // prettier-ignore
    expect(() => machineReference({ geometry, labels, values }, [])).throw('aortic_annulus');
  });

  it('are compared with the union of the heart by Dice', () => {
    const geometry = grid([1, 1, 8]);
    const values = new Map([['heart', 1], ['aorta', 2], ['aortic_annulus', 4]]); // prettier-ignore
    const theirs = { geometry, labels: Uint8Array.of(1, 1, 4, 2, 2, 0, 0, 0), values };
    // Heart: 3 of theirs, 4 of ours, 2 in both. Aorta: 2 and 1, 1 in both. No lung artery.
    const scores = heartScores(Uint8Array.of(1, 3, 0, 6, 0, 5, 2, 7), theirs);
    expect(scores.map(({ dice }) => dice)).deep.equal([4 / 7, 2 / 3, null]);
  });
});

describe('scores on a real CT', () => {
  const reference = {
    ...root,
    ...{ hasHinges: true, heartMiddle: up, junction: null, landmarkOffMm: null },
  };
  const { RCC, LCC, NCC } = annulus.hinges;
  const raised = (point: Vector3, mm: number): Vector3 => [point[0], point[1], point[2] + mm];

  it('are 0 of the annulus itself, and 3 mm of one that is 3 mm higher', () => {
    const exact = placeScore({ RCC, LCC, NCC }, reference);
    expect(exact.annulus?.centreMm).closeTo(0, 1e-9);
    expect(exact.annulus?.diameterMm).closeTo(24.9, 1e-9);
    const higher = { RCC: raised(RCC, 3), LCC: raised(LCC, 3), NCC: raised(NCC, 3) };
    const { annulus: own, points, medianMm } = placeScore(higher, reference);
    expect(own?.centreMm).closeTo(3, 1e-9);
    expect(own?.normalDeg).closeTo(0, 1e-5);
    expect(points[0]?.markMm).closeTo(3, 1e-9);
    expect(medianMm).closeTo(3, 1e-9); // of 3, 3, 3 and two ostia that were not found
    expect(placeScore({ RCC: raised(RCC, 3), LCC }, reference).medianMm).equal(null);
  });

  it('have an angle of 180 degrees where the cusps run the other way round', () => {
    const { annulus: own } = placeScore({ RCC, LCC: NCC, NCC: LCC }, reference);
    expect(own?.normalDeg).closeTo(180, 1e-5);
  });

  it('tell how far guises stray, how many miss a point, and which is wrong without being flagged', () => {
    const guise = (
      points: VariedAnswer['points'],
      verdict: VariedAnswer['verdict'],
    ): VariedAnswer => ({
      variation: { kind: 'noise', title: '' },
      ...{ points, verdict },
    });
    const varied = [
      guise({ RCC: raised(RCC, 1), LCC }, 'plausible'),
      guise({ RCC: raised(RCC, 2) }, 'implausible'),
      guise({ RCC: raised(RCC, 30) }, 'plausible'),
    ];
    const { points, centre, plausible, wrongUnflagged } = stabilityOf(
      { RCC, LCC, NCC },
      varied,
      reference,
    );
    expect(points[0]?.medianMm).closeTo(2, 1e-9);
    expect(points[0]?.worstMm).closeTo(30, 1e-9);
    expect(points.map(({ missed }) => missed)).deep.equal([0, 2, 3, 3, 3, 3, 3]);
    expect(points[1]?.placeMedianMm).equal(null); // two of three miss it
    expect(centre.missed).equal(3);
    expect([plausible, wrongUnflagged]).deep.equal([2, 1]);
  });
});

describe('true points of a phantom', () => {
  it('lie at their places and on their sides, by masks made from its truth', () => {
    const { image, truth } = makePhantom(seededRandom('places'), {
      ...{ ...phantomDefaults, scene: 'chest', shape: [44, 44, 44], spacingMm: [3, 3, 3] },
    });
    const plane = annulusPlane(truth.points);
    if (plane === null) throw new Error('a phantom has an annulus');
    const [, height, width] = image.shape;
    const labels = truth.heart.map((value, n) => {
      const row = Math.floor(n / width);
      const ijk: Vector3 = [n % width, row % height, Math.floor(row / height)];
      const place = voxelToWorld(image.affine, ijk);
      if (distanceBetween(place, truth.landmarks.STJ) < 4) return 5;
      const isNear = distanceBetween(place, plane.centre) < plane.radiusMm;
      if (isNear && Math.abs(heightMm(plane, place)) < 2.5) return 4;
      return value === 0 ? 0 : value === 6 ? 2 : 1;
    });
    const names = { heart: 1, aorta: 2, aortic_annulus: 4, sinotubular_junction: 5 };
    const values = new Map(Object.entries(names));
    const reference = machineReference({ geometry: image, labels, values }, []);
    const { points, annulus: own } = placeScore(truth.points, reference);
    expect(own?.centreMm).lessThan(1.5); // half a voxel
    expect(own?.normalDeg).lessThan(10);
    for (const { name, placeMm, isOnItsSide: isThere } of points) {
      expect(placeMm, name).lessThan(4); // a voxel, and annuli of 10.5 to 14 mm beside 12.45
      expect(isThere, name).equal(true);
    }
  });
});

describe('variations of a CT', () => {
  const turn: Turn = { centre: [10, 0, 0], axis: up, angleRad: Math.PI / 2 };

  it('turn a place about a line, and back', () => {
    expect(distanceBetween(turnPlace(turn, [11, 0, 5]), [10, 1, 5])).closeTo(0, 1e-12);
    expect(distanceBetween(turnBack(turn, [10, 1, 5]), [11, 0, 5])).closeTo(0, 1e-12);
  });

  it('turn the image as they turn a place, with air around it', () => {
    const data = new Float32Array(5 * 5 * 5);
    data[2 * 25 + 2 * 5 + 4] = 100; // at (4, 2, 2)
    const still: Volume = { ...grid([5, 5, 5]), data };
    const quarter = turned(still, { ...turn, centre: [2, 2, 2] });
    expect(quarter.data[2 * 25 + 4 * 5 + 2]).closeTo(100, 1e-4); // at (2, 4, 2)
    expect(quarter.data[2 * 25 + 2 * 5 + 4]).closeTo(0, 1e-4);
    const eighth = turned(still, { ...turn, centre: [2, 2, 2], angleRad: Math.PI / 4 });
    expect(eighth.data[0]).equal(-1024); // a corner comes from outside
  });

  it('crop voxels and leave each where it was', () => {
    const volume: Volume = {
      ...grid([3, 4, 5], 2),
      data: Float32Array.from({ length: 60 }, (_, n) => n),
    };
    const box = cropped(volume, { first: [1, 2, 3], shape: [2, 1, 2] });
    expect([...box.data]).deep.equal([33, 34, 53, 54]); // (k · 4 + 2) · 5 + 3 with k = 1 and 2
    expect(voxelToWorld(box.affine, [0, 0, 0])).deep.equal([6, 4, 2]);
  });

  /** A soft ball of 2000 HU in air, off the middle. */
  const ball: Vector3 = [55, 68, 62];
  const shape: Vector3 = [60, 60, 60];
  const affine = rasAffine([2, 2, 2], [0, 0, 0]);
  const ct: Volume = {
    ...{ shape, affine },
    data: Float32Array.from({ length: 60 ** 3 }, (_, n) => {
      const place = voxelToWorld(affine, [n % 60, Math.floor(n / 60) % 60, Math.floor(n / 3600)]);
      return -1000 + 3000 * Math.exp(-0.5 * (distanceBetween(place, ball) / 5) ** 2);
    }),
  };
  const aims = { heart: [60, 60, 60] as Vector3, root: ball };

  it('are twenty, each of which brings the middle of a ball back to where it is', () => {
    const all = variationsOf(ct, aims, seededRandom('there and back'));
    const kinds = all.map(({ kind }) => kind);
    const count = (kind: string): number => kinds.filter((other) => other === kind).length;
    expect(['rotation', 'crop', 'resampling', 'noise', 'window'].map(count)).deep.equal([
      8, 4, 4, 2, 2,
    ]);
    const moved: number[] = [];
    for (const { title, make, back } of all) {
      const there = middleOfBright(make(ct));
      moved.push(distanceBetween(there, ball));
      expect(distanceBetween(back(there), ball), title).lessThan(0.4);
    }
    expect(Math.max(...moved), 'a turn that moves nothing').greaterThan(1);
  });

  it('are the same again of the same seed, and others of another', () => {
    const made = (seed: string): number[] =>
      variationsOf(ct, aims, seededRandom(seed)).flatMap(({ kind, make }) =>
        kind === 'noise' || kind === 'crop' ? [...make(ct).data.subarray(0, 50)] : [],
      );
    expect(made('one')).deep.equal(made('one'));
    expect(made('one')).not.deep.equal(made('other'));
    const titles = (seed: string): string[] =>
      variationsOf(ct, aims, seededRandom(seed)).map(({ title }) => title);
    expect(titles('one')).deep.equal(titles('one'));
    expect(titles('one')).not.deep.equal(titles('other'));
  });

  it('keep 45 mm around the root where the image has them', () => {
    for (let seed = 0; seed < 20; seed++) {
      const crops = variationsOf(ct, { ...aims, root: [60, 60, 60] }, seededRandom(`crop ${seed}`));
      for (const { kind, make } of crops) {
        if (kind !== 'crop') continue;
        const { shape: kept, affine: placed } = make(ct);
        const first = voxelToWorld(placed, [0, 0, 0]);
        const last = voxelToWorld(placed, [kept[2] - 1, kept[1] - 1, kept[0] - 1]);
        for (const axis of [0, 1, 2] as const) {
          expect(first[axis]).most(15);
          expect(last[axis]).least(105);
        }
      }
    }
  });
});

/** Middle of what has 300 HU or more, each by how bright it is. */
function middleOfBright({ data, shape: [, height, width], affine }: Volume): Vector3 {
  let [sum, x, y, z] = [0, 0, 0, 0];
  data.forEach((hu, n) => {
    if (hu < 300) return;
    const row = Math.floor(n / width);
    const place = voxelToWorld(affine, [n % width, row % height, Math.floor(row / height)]);
    sum += hu;
    x += hu * place[0];
    y += hu * place[1];
    z += hu * place[2];
  });
  return [x / sum, y / sum, z / sum];
}
