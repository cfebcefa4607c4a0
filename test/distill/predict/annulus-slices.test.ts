/** Slices along an annulus: what lies where in the patient lies where it must in the picture. */
import { expect } from 'chai';
import {
  annulusPlane,
  rasAffine,
  voxelToWorld,
  type Vector3,
  type Volume,
} from '../../../src/data/index.ts';
import { annulusSlices, type Mark, type Scene } from '../../../src/distill/index.ts';
import { sideOf } from '../../../src/distill/predict/slice-planes.ts';

/** 120 mm each way around the origin, 2 mm voxels; HU = 100 + 2 · (distance to the left) + 3 · up. */
const grid = { shape: [61, 61, 61], affine: rasAffine([2, 2, 2], [-60, -60, -60]) } as const;
const ramp: Volume = {
  ...grid,
  data: Float32Array.from({ length: 61 ** 3 }, (_, n) => {
    const [i, j, k] = [n % 61, Math.floor(n / 61) % 61, Math.floor(n / 61 ** 2)];
    const [right, , up] = voxelToWorld(grid.affine, [i, j, k]);
    return 100 - 2 * right + 3 * up;
  }),
};
/** Gray of `hu` in the window of -200 to 700 HU. */
const grayOf = (hu: number): number => Math.round((255 * (hu + 200)) / 900);

/** A level annulus of 12 mm around (4, -2, 6): RCC in front, LCC to the left and back, NCC to the right and back. */
const centre: Vector3 = [4, -2, 6];
const onRing = (degrees: number): Vector3 => [
  centre[0] - 12 * Math.sin((degrees * Math.PI) / 180),
  centre[1] + 12 * Math.cos((degrees * Math.PI) / 180),
  centre[2],
];
const points = {
  ...{ RCC: onRing(0), LCC: onRing(120), NCC: onRing(240) },
  LCA: [4 - 15, -2, 6 + 14] as Vector3,
};
const marks = Object.entries(points).map(([label, at]): Mark => ({ label, at, kind: 'predicted' }));

describe('slices along an annulus', () => {
  const plane = annulusPlane(points)!;
  const mask = new Uint8Array(61 ** 3);
  // The voxel at (-10, -2, 20): 13 mm to the left of the axis, 14 over the annulus.
  mask[(40 * 61 + 29) * 61 + 25] = 1;
  const scene: Scene = { image: ramp, marks, areas: [{ kind: 'predicted', mask }] };
  const [annulus, left, right] = annulusSlices(scene, plane, points);
  const middle = (annulus?.slice.width ?? 0) / 2;
  const markOn = (
    slice: NonNullable<typeof annulus>['slice'],
    label: string,
  ): { x: number; y: number } | undefined => slice.points.find((point) => point.label === label);

  it('are cut from below along the plane, the front at the top, the patient to the left on the right', () => {
    const { slice } = annulus!;
    expect(slice.sides).deep.equal({ left: 'R', right: 'L', top: 'A', bottom: 'P' });
    expect(slice.width * slice.pixelMm).closeTo(90, 1e-9);
    // RCC is 12 mm in front: straight above the middle.
    expect(markOn(slice, 'RCC')?.x).closeTo(middle, 1e-6);
    expect(markOn(slice, 'RCC')?.y).closeTo(middle - 12 / 0.45, 1e-6);
    // LCC is 12 · sin 120 degrees to the left and 6 mm behind.
    expect(markOn(slice, 'LCC')?.x).closeTo(middle + (12 * Math.sin((120 * Math.PI) / 180)) / 0.45, 1e-6); // prettier-ignore
    expect(markOn(slice, 'LCC')?.y).closeTo(middle + 6 / 0.45, 1e-6);
    // 14 mm off the slice: not on it.
    expect(markOn(slice, 'LCA')).equal(undefined);
  });

  it('show the values of the image between its voxels', () => {
    const { slice } = annulus!;
    const { width, gray } = slice;
    // Pixel (row 20, column 150): its centre is (150.5 - middle) · 0.45 mm to the left of 4, on the plane of z = 6.
    const hu = 100 - 2 * (4 - (150.5 - middle) * 0.45) + 3 * 6;
    expect(gray[20 * width + 150]).closeTo(grayOf(hu), 1);
  });

  it('draw the circle through the hinge points', () => {
    const [line] = annulus!.slice.lines ?? [];
    expect(line?.path.length).equal(73);
    for (const [x, y] of line?.path ?? []) {
      expect(Math.hypot(x - middle, y - middle) * 0.45).closeTo(12, 1e-6);
    }
  });

  it('are cut along the axis through an ostium, the aorta at the top, its height drawn', () => {
    const { slice, caption } = left!;
    expect(caption).contain('LCA: 14.0 mm over the annulus');
    expect(slice.sides).deep.equal({ left: 'R', right: 'L', top: 'S', bottom: 'I' });
    // The middle lies 12 mm over the annulus; LCA is 15 mm to the left and 2 mm above that.
    expect(markOn(slice, 'LCA')?.x).closeTo(middle + 15 / 0.45, 1e-6);
    expect(markOn(slice, 'LCA')?.y).closeTo(middle - 2 / 0.45, 1e-6);
    const height = slice.lines?.find(({ label }) => label === 'LCA')?.path ?? [];
    expect(height[1]?.[0]).closeTo(height[0]?.[0] ?? NaN, 1e-6);
    expect(Math.abs((height[0]?.[1] ?? 0) - (height[1]?.[1] ?? 0)) * 0.45).closeTo(14, 1e-6);
    const crossing = slice.lines?.find(({ label }) => label === 'annulus')?.path ?? [];
    expect(crossing.length).equal(2);
    for (const [, y] of crossing) expect(y).closeTo(middle + 12 / 0.45, 1e-6);
  });

  it('show calcium where it is', () => {
    const { areas, width } = left!.slice;
    const inside = [...(areas[0]?.mask ?? [])].flatMap((value, n) => (value === 0 ? [] : [n]));
    expect(inside.length).above(0);
    const mean = (of: (n: number) => number): number =>
      inside.reduce((sum, n) => sum + of(n), 0) / inside.length;
    // 14 mm to the left of the axis and 14 over the annulus, within half a pixel.
    expect((mean((n) => (n % width) + 0.5) - middle) * 0.45).closeTo(14, 0.45);
    expect((middle - mean((n) => Math.floor(n / width) + 0.5)) * 0.45 + 12).closeTo(14, 0.45);
  });

  it('go through the cusp where its ostium was not found, and say so', () => {
    expect(right!.caption).contain('RCA was not found');
    expect(right!.slice.sides).deep.equal({ left: 'A', right: 'P', top: 'S', bottom: 'I' });
    expect(markOn(right!.slice, 'RCC')?.y).closeTo(middle + 12 / 0.45, 1e-6);
    expect(right!.slice.lines?.map(({ label }) => label)).deep.equal(['annulus']);
  });
});

describe('sides of a picture', () => {
  it('have one letter along an axis of the body and two between them', () => {
    expect(sideOf([-1, 0, 0])).equal('L');
    expect(sideOf([0.1, 0.9, -0.3])).equal('A');
    expect(sideOf([0.6, 0, -0.8])).equal('IR');
    expect(sideOf([-0.5, -0.7, 0.5])).equal('PL');
  });
});
