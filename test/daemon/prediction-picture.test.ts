import { inflateSync } from 'node:zlib';
import { expect } from 'chai';
import { predictionCaption } from '../../src/daemon/prediction-caption.ts';
import { drawSlice, predictionPng, type GrayPicture } from '../../src/daemon/prediction-picture.ts';
import type { MarkOnSlice, Slice } from '../../src/distill/index.ts';

const plain = 100;

/** 36 pixels wide, so that each becomes 10. */
function sliceOf(changes: Partial<Slice> = {}): Slice {
  const [width, height] = [36, changes.height ?? 36];
  return {
    ...{ plane: 'axial', width, height, pixelAspect: 1, pixelMm: 1, points: [], areas: [] },
    sides: { left: 'R', right: 'L', top: 'A', bottom: 'P' },
    gray: new Uint8Array(width * height).fill(plain),
    ...changes,
  };
}

function point(kind: MarkOnSlice['kind'], x: number, y: number, offSliceMm = 0): MarkOnSlice {
  return { label: 'RCC', kind, x, y, offSliceMm };
}

function at({ gray, width }: GrayPicture, x: number, y: number): number | undefined {
  return gray[y * width + x];
}

function count({ gray }: GrayPicture, value: number): number {
  return gray.filter((one) => one === value).length;
}

/** Pixels of columns 10 to 19 and rows 10 to 19: 100 to 199 of the picture. */
const box = Uint8Array.from({ length: 36 * 36 }, (_, index) => {
  const [x, y] = [index % 36, Math.floor(index / 36)];
  return x >= 10 && x < 20 && y >= 10 && y < 20 ? 1 : 0;
});

describe('the picture of a prediction', () => {
  it('is the slice ten times as large, and a pixel that is twice as wide as high stays so', () => {
    const picture = drawSlice(sliceOf());
    expect([picture.width, picture.height]).deep.equal([360, 360]);
    expect(count(picture, plain)).equal(360 * 360);
    const flat = drawSlice(sliceOf({ pixelAspect: 2, height: 20 }));
    // Each column is 10 wide, each row 10 / 2 high.
    expect([flat.width, flat.height]).deep.equal([360, 100]);
    // What is wide enough is not enlarged.
    const large = drawSlice(sliceOf({ width: 512, height: 3, gray: new Uint8Array(1536) }));
    expect([large.width, large.height]).deep.equal([512, 3]);
  });

  it('goes from one gray to the next between the middles of two pixels', () => {
    const gray = Uint8Array.from({ length: 36 * 36 }, (_, index) => (index % 36 < 18 ? 0 : 200));
    const picture = drawSlice(sliceOf({ gray }));
    // Column 17 has its middle at 175, column 18 at 185: 20 more for each pixel between, from half a pixel past 175 on.
    expect([174, 175, 176, 179, 180, 184, 185].map((x) => at(picture, x, 50))).deep.equal([
      ...[0, 10, 30, 90, 110, 190, 200],
    ]);
  });

  it('marks a point that was found by a cross, and one that an expert set by a square', () => {
    const found = drawSlice(sliceOf({ points: [point('predicted', 18.5, 10.5)] }));
    // Two lines of 19 rows, 3 wide: they share 3 pixels of the middle row, and one each of those above and below.
    expect(count(found, 255)).equal(2 * 19 * 3 - 5);
    for (const [x, y] of [
      [185, 105],
      [176, 96],
      [194, 96],
      [176, 114],
      [194, 114],
    ] as const) {
      expect(at(found, x, y), `${x} ${y}`).equal(255);
    }
    expect(at(found, 174, 95), 'its border').equal(0);
    const known = drawSlice(sliceOf({ points: [point('truth', 18.5, 10.5)] }));
    // The border of 15 × 15.
    expect(count(known, 255)).equal(15 * 15 - 13 * 13);
    expect(at(known, 185 - 7, 105)).equal(255);
    expect(at(known, 185, 105), 'its middle').equal(plain);
  });

  it('leaves out points that are further off the slice than 12 mm, and what lies beyond the edge', () => {
    const points = [point('predicted', 18.5, 18.5, 12.5), point('truth', 18.5, 18.5, 12.5)];
    expect(count(drawSlice(sliceOf({ points })), plain)).equal(360 * 360);
    const outside = drawSlice(sliceOf({ points: [point('predicted', -20, 80)] }));
    expect(count(outside, plain)).equal(360 * 360);
    const corner = drawSlice(sliceOf({ points: [point('predicted', 0.05, 0.05)] }));
    // Three quarters of it are outside.
    expect(at(corner, 0, 0)).equal(255);
    expect(at(corner, 359, 0), 'not wrapped round').equal(plain);
  });

  it('hatches calcium that was found', () => {
    const picture = drawSlice(sliceOf({ areas: [{ kind: 'predicted', mask: box }] }));
    // 104 + 104 = 26 · 8: there a white line begins, two wide, then a black one.
    expect([104, 105, 106, 107, 108, 111].map((x) => at(picture, x, 104))).deep.equal([
      ...[255, 255, 0, 0, plain, plain],
    ]);
    expect(at(picture, 96, 104), 'outside').equal(plain);
    // Half of 100 × 100: each row has 100 pixels, 12 periods and 4 more.
    expect(count(picture, plain)).within(360 * 360 - 5200, 360 * 360 - 4800);
  });

  it('outlines calcium that is known', () => {
    const picture = drawSlice(sliceOf({ areas: [{ kind: 'truth', mask: box }] }));
    expect(count(picture, 255)).equal(4 * 100 - 4);
    // Beside each side, and at no corner.
    expect(count(picture, 0)).equal(4 * 100);
    expect([99, 100, 101].map((x) => at(picture, x, 150))).deep.equal([0, 255, plain]);
  });

  it('puts the slices side by side into one PNG', () => {
    const png = predictionPng([sliceOf(), sliceOf({ height: 20 })]);
    const view = new DataView(png.buffer, png.byteOffset);
    const width = 360 + 8 + 360;
    expect([view.getUint32(16), view.getUint32(20)]).deep.equal([width, 360]);
    const rows = inflateSync(png.subarray(41, 41 + view.getUint32(33)));
    const pixel = (x: number, y: number): number | undefined => rows[y * (width + 1) + 1 + x];
    expect([0, 359, 360, 367, 368].map((x) => pixel(x, 0))).deep.equal([
      ...[plain, plain, 255, 255, plain],
    ]);
    expect(pixel(368, 200), 'below the lower one').equal(255);
  });
});

describe('the words under a prediction', () => {
  const teacher = { kind: 'teacher', task: 'hps' } as const;

  it('explain the marks that are there, and no others', () => {
    const words = predictionCaption(teacher, [
      sliceOf({ points: [point('predicted', 1, 1), point('truth', 2, 2)] }),
    ]);
    expect(words).contains('the teacher of hps').and.contains('Crosses').and.contains('Squares');
    expect(words).not.contains('Hatched').and.not.contains('Outlined');
    const student = predictionCaption({ kind: 'student' }, [
      sliceOf({
        areas: [
          { kind: 'truth', mask: box },
          { kind: 'predicted', mask: box },
        ],
        points: [point('predicted', 1, 1, 13), point('truth', 1, 1)],
      }),
    ]);
    expect(student).contains('the student').and.contains('Hatched').and.contains('Outlined');
    expect(student).contains('no point near').and.not.contains('Crosses');
    // As long as they get, they are shown whole.
    expect(student.length).below(400);
  });
});
