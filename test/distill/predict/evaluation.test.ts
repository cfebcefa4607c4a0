import { expect } from 'chai';

import { rasAffine, type Case, type Truth, type Vector3 } from '../../../src/data/index.ts';
import { evaluateCase, scoreCase, scoreHeart } from '../../../src/distill/index.ts';

/** 4 x 5 x 6 voxels of 2 mm, the first at (10, 20, 30) mm: voxel (d, h, w) lies at (10 + 2w, 20 + 2h, 30 + 2d). */
const image = {
  shape: [4, 5, 6] as const,
  affine: rasAffine([2, 2, 2], [10, 20, 30]),
  data: new Float32Array(120),
};
const at = (d: number, h: number, w: number): number => (d * 5 + h) * 6 + w;
const far: Vector3 = [0, 0, 0];

function truthWith(points: Partial<Truth['points']>, calcium = new Uint8Array(120)): Truth {
  const all = { RCC: far, LCC: far, NCC: far, RCA: far, LCA: far, MS1: far, MS2: far };
  const heart = new Uint8Array(120);
  return {
    geometry: image,
    points: { ...all, ...points },
    landmarks: { STJ: far },
    calcium,
    heart,
  };
}

const held: Case = {
  id: 'a',
  image,
  labels: {},
  origin: {},
  points: { MS1: [16, 24, 32], MS2: null },
};

describe('scoreCase', () => {
  it("measures from the label's centre to the truth and to the annotator's point", () => {
    // Label 1 in voxels (1, 2, 2) and (1, 2, 4): not touching, so the larger piece with (1, 2, 5) counts:
    // centre (1, 2, 4.5) = (19, 24, 32) mm. Truth (16, 20, 32): 3-4-5. Annotator (16, 24, 32): 3.
    const map = new Uint8Array(120);
    for (const w of [2, 4, 5]) map[at(1, 2, w)] = 1;
    map[at(3, 0, 0)] = 2; // (10, 20, 36); truth 1 mm beside, nobody marked it
    const scores = scoreCase('ms', map, held, truthWith({ MS1: [16, 20, 32], MS2: [10, 20, 37] }));
    expect(scores).deep.equal([
      {
        ...{ task: 'ms', label: 'MS1', kind: 'point', dice: null },
        ...{ errorMm: 5, annotatorErrorMm: 3 },
      },
      {
        ...{ task: 'ms', label: 'MS2', kind: 'point', dice: null },
        ...{ errorMm: 1, annotatorErrorMm: null },
      },
    ]);
  });

  it('scores a point without a voxel as missed, not as zero', () => {
    const [first, second] = scoreCase('ms', new Uint8Array(120), held, truthWith({}));
    expect([first?.errorMm, second?.errorMm]).deep.equal([null, null]);
    expect(first?.annotatorErrorMm).equal(null);
  });

  it('gives all five points of hps in the order of the table', () => {
    const labels = scoreCase('hps', new Uint8Array(120), held, truthWith({})).map(
      ({ label }) => label,
    );
    expect(labels).deep.equal(['RCC', 'LCC', 'NCC', 'RCA', 'LCA']);
  });

  it('takes Dice as twice the overlap over the sum, undefined where there is no calcium', () => {
    const map = new Uint8Array(120);
    for (const w of [0, 1, 2]) map[at(0, 0, w)] = 1;
    const calcium = new Uint8Array(120);
    for (const w of [2, 3]) calcium[at(0, 0, w)] = 1;
    const [score] = scoreCase('calc', map, held, truthWith({}, calcium));
    expect(score?.dice).equal(2 / 5);
    expect(score?.errorMm).equal(null);
    expect(scoreCase('calc', map, held, truthWith({}))[0]?.dice, 'absent').equal(null);
    expect(scoreCase('calc', new Uint8Array(120), held, truthWith({}, calcium))[0]?.dice).equal(0);
  });
});

describe('scoreHeart', () => {
  const heart = new Uint8Array(120);
  for (const w of [2, 3]) heart[at(0, 0, w)] = 1;
  for (const w of [0, 1]) heart[at(1, 0, w)] = 7;
  const truth: Truth = { ...truthWith({}), heart };

  it('is the mean Dice of the structures that are there', () => {
    // Structure 1: one of three voxels right, of two true ones: 2/5. Structure 7: missed, 0. Structure 2: not there.
    const map = new Uint8Array(120);
    for (const w of [0, 1, 2]) map[at(0, 0, w)] = 1;
    map[at(3, 0, 0)] = 2;
    expect(scoreHeart(map, heart)).deep.equal({
      ...{ task: 'heart', label: 'heart', kind: 'segmentation', dice: (2 / 5 + 0) / 2 },
      ...{ errorMm: null, annotatorErrorMm: null },
    });
    expect(scoreHeart(heart, heart).dice).equal(1);
    expect(scoreHeart(map, new Uint8Array(120)).dice, 'no structure at all').equal(null);
  });

  it('is among the scores of a model with a head for it, and of no other', () => {
    const channels = 8;
    const data = new Float32Array(120 * channels);
    heart.forEach((label, voxel) => (data[voxel * channels + label] = 1));
    const logits = new Map([['heart', { data, shape: image.shape, channels }]]);
    const { scores } = evaluateCase(logits, held, truth, { tasks: ['hps'] });
    expect(scores.map(({ task, dice }) => [task, dice])).deep.equal([['heart', 1]]);
    expect(evaluateCase(new Map(), held, truth, { tasks: ['hps'] }).scores).deep.equal([]);
  });
});
