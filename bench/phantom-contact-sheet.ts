/**
 * Writes a picture of phantoms to look at, from the hospitals of a preset in turn: axial, coronal and sagittal through
 * the annulus, points as coloured crosses, calcium as it shines.
 *
 *     node bench/phantom-contact-sheet.ts [OUT.png] [PRESET.yaml] [COUNT] [VOXELS] [SPACING_MM] [SEED]
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { seededRandom } from '../src/base/index.ts';
import { loadPreset } from '../src/config/index.ts';
import { makePhantom, pointNames, worldToVoxel, type Phantom } from '../src/data/index.ts';
import { Picture } from './picture.ts';

const out = process.argv[2] ?? 'phantoms.png';
const preset = process.argv[3] ?? 'config/reproduce.yaml';
const count = Number(process.argv[4] ?? 12);
const voxels = Number(process.argv[5] ?? 48);
const spacingMm = Number(process.argv[6] ?? 3);
const seed = process.argv[7] ?? 'sheet';
const { consortium, phantom: patients } = loadPreset(readFileSync(preset, 'utf8'), preset);
const tilePixels = 288;
const perRow = 6; // two patients, three planes each
const windowLowHu = -200;
const windowHighHu = 600;
const crossColours = [
  [255, 60, 60],
  [70, 220, 70],
  [80, 140, 255],
  [255, 160, 0],
  [0, 230, 230],
  [255, 255, 0],
  [255, 0, 255],
] as const;

const picture = new Picture(perRow * tilePixels, Math.ceil(count / 2) * tilePixels);

let spentMs = 0;
for (let n = 0; n < count; n++) {
  const hospital = consortium.hospitals[n % consortium.hospitals.length];
  if (hospital === undefined) throw new Error(`${preset} names no hospital`);
  const settings = {
    ...patients,
    shape: [voxels, voxels, voxels] as const,
    spacingMm: [spacingMm, spacingMm, spacingMm] as const,
  };
  const before = performance.now();
  const phantom = makePhantom(seededRandom(`${seed}-${n}`), settings, hospital.scanner);
  spentMs += performance.now() - before;
  drawPatient(phantom, (n % 2) * 3 * tilePixels, Math.floor(n / 2) * tilePixels);
}
writeFileSync(out, picture.png());
console.log(`${out}: ${count} phantoms, ${(spentMs / count).toFixed(0)} ms each`);

/** Three planes through the middle of the hinge points, viewed as radiologists do. */
function drawPatient({ image, truth }: Phantom, left: number, top: number): void {
  const hinges = [truth.points.RCC, truth.points.LCC, truth.points.NCC];
  const middle = [0, 1, 2].map((axis) => hinges.reduce((sum, p) => sum + (p[axis] ?? 0) / 3, 0));
  const centre = worldToVoxel(image.affine, middle as unknown as [number, number, number]);
  const [ci, cj, ck] = centre.map(Math.round) as [number, number, number];
  const last = voxels - 1;
  // Patient's right on the picture's left; front up in axial, head up in the others; nose left in sagittal.
  const planes = [
    (a: number, b: number) => [last - a, last - b, ck],
    (a: number, b: number) => [last - a, cj, last - b],
    (a: number, b: number) => [ci, last - a, last - b],
  ] as const;
  planes.forEach((place, plane) => {
    const scale = tilePixels / voxels;
    for (let y = 0; y < tilePixels - 1; y++) {
      for (let x = 0; x < tilePixels - 1; x++) {
        const [i = 0, j = 0, k = 0] = place(Math.floor(x / scale), Math.floor(y / scale));
        const hu = image.data[(k * voxels + j) * voxels + i] ?? 0;
        const grey = ((hu - windowLowHu) / (windowHighHu - windowLowHu)) * 255;
        picture.put(left + plane * tilePixels + x, top + y, [grey, grey, grey]);
      }
    }
    pointNames.forEach((name, n) => {
      const at = worldToVoxel(image.affine, truth.points[name]);
      const [a, b, off] = [
        [last - at[0], last - at[1], at[2] - ck],
        [last - at[0], last - at[2], at[1] - cj],
        [last - at[1], last - at[2], at[0] - ci],
      ][plane] as [number, number, number];
      if (Math.abs(off) * spacingMm > 3) return;
      for (let s = -4; s <= 4; s++) {
        const colour = crossColours[n] ?? [255, 255, 255];
        const [x, y] = [Math.round((a + 0.5) * scale), Math.round((b + 0.5) * scale)];
        picture.put(left + plane * tilePixels + x + s, top + y, colour);
        picture.put(left + plane * tilePixels + x, top + y + s, colour);
      }
    });
  });
}
