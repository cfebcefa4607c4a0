/** The bench on what training leaves out: what counts as right, flagged and wrong, and that its images are what they are called. */
import { expect } from 'chai';
import { kinds, slab, type Sample } from '../../bench/real/kinds.ts';
import { tallyImage, tallyKind, tallyTable, type ImageTally } from '../../bench/real/tally.ts';
import {
  pointNames,
  rasAffine,
  voxelToWorld,
  type Geometry,
  type Phantom,
  type PointName,
  type Vector3,
} from '../../src/data/index.ts';

/** 60 mm in each direction. */
const geometry: Geometry = { shape: [20, 20, 20], affine: rasAffine([3, 3, 3], [0, 0, 0]) };
const sought: readonly PointName[] = ['RCC', 'LCC'];
const truth: Readonly<Partial<Record<PointName, Vector3>>> = {
  RCC: [30, 40, 30],
  LCC: [20, 20, 30],
};
const flag = [{ code: 'weak_root' }];

describe('an answer about a phantom', () => {
  it('is right when all points were found within 10 mm', () => {
    const found = { RCC: [30, 43, 34] as Vector3, LCC: [20, 20, 30] as Vector3 };
    expect(tallyImage({ geometry, truth, found, reasons: [] }, sought)).deep.equal({
      ...{ errorsMm: [5, 0], there: 2, found: 2, near: 2 },
      ...{ isRight: true, isWrong: false, isFlagged: false, codes: [] },
    });
  });

  it('is neither right nor wrong when a point is missing and the other is right', () => {
    const tally = tallyImage(
      { geometry, truth, found: { LCC: [20, 29, 30] }, reasons: [] },
      sought,
    );
    expect([tally.isRight, tally.isWrong, tally.found, tally.near]).deep.equal([
      false,
      false,
      1,
      1,
    ]);
  });

  it('is wrong from 10 mm on, and with a point of a root that is not there', () => {
    const off = tallyImage(
      { geometry, truth, found: { LCC: [20, 30, 30] }, reasons: flag },
      sought,
    );
    expect([off.isWrong, off.isFlagged, off.near, off.codes]).deep.equal([
      true,
      true,
      0,
      ['weak_root'],
    ]);
    const none = tallyImage(
      { geometry, truth: {}, found: { LCC: [20, 30, 30] }, reasons: [] },
      sought,
    );
    expect([none.isWrong, none.there, none.errorsMm]).deep.equal([true, 0, []]);
    const silent = tallyImage({ geometry, truth: {}, found: {}, reasons: [] }, sought);
    expect([silent.isWrong, silent.isRight]).deep.equal([false, false]);
  });

  it('does not miss what lies outside of the image, and knows it when it is given', () => {
    const cut = { ...truth, LCC: [20, 20, 61] as Vector3 };
    const found = { RCC: [30, 40, 30] as Vector3, LCC: [20, 20, 55] as Vector3 };
    const tally = tallyImage({ geometry, truth: cut, found, reasons: [] }, sought);
    expect([tally.there, tally.found, tally.errorsMm, tally.isRight, tally.isWrong]).deep.equal([
      1,
      1,
      [0, 6],
      false,
      false,
    ]);
  });

  it('is counted by kind, the wrong ones that nothing flagged apart', () => {
    const one = (changes: Partial<ImageTally>): ImageTally => ({
      ...{ errorsMm: [2, 4], there: 2, found: 2, near: 2, codes: [] },
      ...{ isRight: true, isWrong: false, isFlagged: false, ...changes },
    });
    const wrong = { errorsMm: [90], found: 1, near: 0, isRight: false, isWrong: true };
    const images = [
      one({}),
      one({ isFlagged: true, codes: ['weak_root'] }),
      one({ ...wrong, isFlagged: true, codes: ['no_blood', 'weak_root'] }),
      one(wrong),
    ];
    const tally = tallyKind('leads', images);
    expect(tally).deep.equal({
      ...{ kind: 'leads', images: 4, there: 8, found: 6, near: 4, medianMm: 4, worstMm: 90 },
      ...{ right: 2, flagged: 2, rightFlagged: 1, wrongUnflagged: 1 },
      codes: { no_blood: 1, weak_root: 2 },
    });
    const [header, , row] = tallyTable([tally]).split('\n').map((line) => line.split('|').map((cell) => cell.trim())); // prettier-ignore
    expect(row?.[header?.indexOf('wrong and not flagged') ?? 0]).equal('1');
    expect(row?.[header?.indexOf('points found') ?? 0]).equal('6 of 8');
    expect(tallyTable([tallyKind('noise', [])])).contain('none is there');
  });
});

describe('images of what is left out', () => {
  const made = (name: string): Sample => {
    const kind = kinds.find((other) => other.name === name);
    if (kind === undefined) throw new Error(`no kind ${name}`);
    return kind.make('test', 0, 'heart');
  };

  it('know no root in noise', () => {
    for (const name of ['noise only', 'clouds only']) expect(made(name).truth).deep.equal({});
  });

  it('are the slices between two heights, each where it was', () => {
    // Slices at 10, 12, … 28 mm, slice n of value n; the root reaches from 15 to 21 mm.
    const shape = [10, 2, 2] as const;
    const data = Float32Array.from({ length: 40 }, (_, n) => Math.floor(n / 4));
    const image = { shape, affine: rasAffine([2, 1, 1], [0, 0, 10]), data };
    const points = Object.fromEntries(
      pointNames.map((name, n): [PointName, Vector3] => [name, [0, 0, 15 + n]]),
    ) as Record<PointName, Vector3>;
    const phantom: Phantom = {
      image,
      truth: {
        ...{ geometry: image, points, landmarks: { STJ: [0, 0, 0] } },
        ...{ calcium: new Uint8Array(40), heart: new Uint8Array(40) },
      },
    };
    const firstOf = (between: Parameters<typeof slab>[1]): number[] => {
      const { image: cut, truth: whole } = slab(phantom, between);
      expect(whole).equal(points);
      const [, , z] = voxelToWorld(cut.affine, [0, 0, 0]);
      return [z, cut.shape[0], cut.data[0] ?? NaN, cut.data.at(-1) ?? NaN];
    };
    expect(firstOf(({ middle }) => [middle, Infinity])).deep.equal([18, 6, 4, 9]);
    expect(firstOf(({ top }) => [top + 3, Infinity])).deep.equal([24, 3, 7, 9]);
    expect(firstOf(({ bottom }) => [-Infinity, bottom - 2])).deep.equal([10, 2, 0, 1]);
  });
});
