/**
 * Writes a picture of chests to look at, and says how long one takes: axial, coronal and sagittal through the annulus in the
 * soft tissue window, and axial and coronal in the lung window. A row for each; a real CT, if given, comes first.
 *
 *     node bench/chest-contact-sheet.ts [OUT.png] [COUNT] [SPACING_MM] [D,H,W] [SEED] [REAL.nii.gz] [RARE=SHARE,...]
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { seededRandom } from '../src/base/index.ts';
import {
  decodeNifti,
  makePhantom,
  phantomDefaults,
  pointNames,
  resample,
  scannerDefaults,
  toRas,
  worldToVoxel,
  type Phantom,
  type ScannerSettings,
  type Vector3,
  type Volume,
} from '../src/data/index.ts';
import { Picture } from './picture.ts';

const out = process.argv[2] ?? 'chests.png';
const count = Number(process.argv[3] ?? 24);
const spacing = Number(process.argv[4] ?? 3);
const shape = (process.argv[5] ?? '100,100,124').split(',').map(Number);
const seed = process.argv[6] ?? 'sheet';
const real = process.argv[7] ?? '';
const shares = (process.argv[8] ?? '').split(',').filter((text) => text !== '');
const tile = Number(process.env.TILE ?? 300);
const columns = Number(process.env.COLUMNS_OF_FIVE ?? 2);
const showPoints = process.env.POINTS === '1';

const scanners: readonly Partial<ScannerSettings>[] = [
  { noiseHu: 16, contrastPeakHu: 390 },
  { blurFwhmMm: 0.7, sharpness: 1, noiseHu: 38, contrastPeakHu: 520, kiloVolts: 80 },
  { blurFwhmMm: 2, noiseHu: 12, contrastTimingS: 5, offsetHu: 10 },
  { blurFwhmMm: 1.5, noiseHu: 24, contrastPeakHu: 260, contrastTimingS: -2 },
  { blurFwhmMm: 1.8, noiseHu: 30, contrastPeakHu: 300, contrastTimingS: 8, spacingMm: [3, 0.7, 0.7] },
  { blurFwhmMm: 1, sharpness: 0.5, noiseHu: 50, contrastPeakHu: 580, kiloVolts: 70 },
  { blurFwhmMm: 2.8, noiseHu: 10, contrastTimingS: -3, stepMm: 2, motionMm: 2 },
  { noiseHu: 20, fieldOfViewMm: 330, paddingHu: -2000, contrastTimingS: 2 },
]; // prettier-ignore
const rare = { ...phantomDefaults.rare };
for (const share of shares) {
  const [name = '', value = '1'] = share.split('=');
  if (name in rare) Object.assign(rare, { [name]: Number(value) });
}

const rows = Math.ceil((count + (real === '' ? 0 : 1)) / columns);
const picture = new Picture(columns * 5 * tile, rows * tile);
let slot = 0;
let spentMs = 0;
if (real !== '') {
  const grid = [spacing, spacing, spacing] as const;
  const ct = resample(toRas(decodeNifti(readFileSync(real)).volume), grid, 'linear');
  const [d, h, w] = ct.shape;
  drawRow(ct, [w / 2, h / 2, d / 2]);
}
for (let n = 0; n < count; n++) {
  const settings = {
    ...{ ...phantomDefaults, rare, scene: 'chest' as const },
    variety: Number(process.env.VARIETY ?? 0),
    shape: shape as unknown as Vector3,
    spacingMm: [spacing, spacing, spacing] as const,
  };
  const scanner = { ...scannerDefaults, fieldOfViewMm: 500, ...scanners[n % scanners.length] };
  const before = process.cpuUsage();
  const phantom = makePhantom(seededRandom(`${seed}-${n}`), settings, scanner);
  spentMs += process.cpuUsage(before).user / 1000;
  drawRow(phantom.image, annulusVoxel(phantom), phantom);
}
writeFileSync(out, picture.png());
console.log(`${out}: ${count} chests, ${(spentMs / count).toFixed(0)} ms of processor time each`);

function annulusVoxel({ image, truth }: Phantom): Vector3 {
  const hinges = [truth.points.RCC, truth.points.LCC, truth.points.NCC];
  const middle = [0, 1, 2].map((axis) => hinges.reduce((sum, p) => sum + (p[axis] ?? 0) / 3, 0));
  return worldToVoxel(image.affine, middle as unknown as Vector3);
}

/** Five planes beside each other, as radiologists view them: right on the left, front and head up. */
function drawRow(image: Volume, centre: Vector3, phantom?: Phantom): void {
  const left = (slot % columns) * 5 * tile;
  const top = Math.floor(slot / columns) * tile;
  slot += 1;
  const [depth, height, width] = image.shape;
  const [ci, cj, ck] = centre.map(Math.round) as [number, number, number];
  const long = Math.max(depth, height, width);
  const [pi, pj, pk] = [(long - width) / 2, (long - height) / 2, (long - depth) / 2];
  const planes = [
    (a: number, b: number) => [long - 1 - a - pi, long - 1 - b - pj, ck],
    (a: number, b: number) => [long - 1 - a - pi, cj, long - 1 - b - pk],
    (a: number, b: number) => [ci, long - 1 - a - pj, long - 1 - b - pk],
    (a: number, b: number) => [long - 1 - a - pi, long - 1 - b - pj, ck],
    (a: number, b: number) => [long - 1 - a - pi, cj, long - 1 - b - pk],
  ] as const;
  planes.forEach((place, plane) => {
    const [low, high] = plane < 3 ? [-160, 440] : [-1100, 150];
    for (let y = 0; y < tile - 1; y++) {
      for (let x = 0; x < tile - 1; x++) {
        const [i = 0, j = 0, k = 0] = place((x / tile) * long - 0.5, (y / tile) * long - 0.5);
        const grey = ((valueAt(image, i, j, k) - low) / (high - low)) * 255;
        picture.put(left + plane * tile + x, top + y, [grey, grey, grey]);
      }
    }
  });
  if (phantom === undefined || !showPoints) return;
  for (const name of pointNames) {
    const [i, j, k] = worldToVoxel(image.affine, phantom.truth.points[name]);
    const scale = tile / long;
    const marks = [
      [long - 1 - i - pi, long - 1 - j - pj, k - ck],
      [long - 1 - i - pi, long - 1 - k - pk, j - cj],
      [long - 1 - j - pj, long - 1 - k - pk, i - ci],
    ] as const;
    marks.forEach(([a, b, off], plane) => {
      if (Math.abs(off) * spacing > 3) return;
      const [x, y] = [Math.round((a + 0.5) * scale), Math.round((b + 0.5) * scale)];
      for (let s = -3; s <= 3; s++) {
        picture.put(left + plane * tile + x + s, top + y, [255, 60, 60]);
        picture.put(left + plane * tile + x, top + y + s, [255, 60, 60]);
      }
    });
  }
}

/** Between voxels in the plane, so that tiles are smooth. */
function valueAt(
  { data, shape: [depth, height, width] }: Volume,
  i: number,
  j: number,
  k: number,
): number {
  if (i < -0.5 || j < -0.5 || k < -0.5 || i > width - 0.5 || j > height - 0.5 || k > depth - 0.5) {
    return -3000;
  }
  const clamp = (at: number, size: number): number => Math.max(0, Math.min(size - 1, at));
  const [x, y, z] = [clamp(i, width), clamp(j, height), clamp(k, depth)];
  const [a, b, c] = [Math.floor(x), Math.floor(y), Math.floor(z)];
  let sum = 0;
  for (let corner = 0; corner < 8; corner++) {
    const [p, q, r] = [corner & 1, (corner >> 1) & 1, corner >> 2];
    const weight = (p ? x - a : 1 - x + a) * (q ? y - b : 1 - y + b) * (r ? z - c : 1 - z + c);
    if (weight === 0) continue;
    sum += weight * (data[((c + r) * height + b + q) * width + a + p] ?? 0);
  }
  return sum;
}
