/** Grain of tissues, before the scanner's own: lung is uneven, fat has strands, marrow has beams. */
import type { Random } from '../../../base/index.ts';
import type { Frame } from '../canvas.ts';
import type { BlockCanvas } from './block-canvas.ts';
import { grainRow, grainTile } from './noise.ts';

/** Deviation of the grain in HU by what a voxel holds, from -1024 HU in steps of 16. */
const stepHu = 16;
const grainHu = new Float32Array(270);
for (let n = 0; n < grainHu.length; n++) {
  const hu = -1024 + stepHu * n;
  if (hu < -960) grainHu[n] = 0;
  else if (hu < -650) grainHu[n] = 30;
  else if (hu < -150) grainHu[n] = 18;
  else if (hu < -60) grainHu[n] = 9;
  else if (hu < 130) grainHu[n] = 7;
  else grainHu[n] = hu < 700 ? 6 : 30;
}

/** Adds the grain, fine and coarse, 1 to 4 mm; and lung that lies lower is denser, by up to half a HU per mm. */
export function addTexture(canvas: BlockCanvas, frame: Frame, random: Random): void {
  const [depth, height, width] = canvas.shape;
  const { hu } = canvas;
  const slope = 0.15 + 0.35 * random.fork('slope').uniform();
  const sigma = (mm: number): [number, number, number] => {
    const [sd, sh, sw] = canvas.spacingMm;
    return [mm / sd, mm / sh, mm / sw];
  };
  const fine = grainTile(random.fork('fine'), [17, 29, 31], sigma(0.7));
  const coarse = grainTile(random.fork('coarse'), [13, 31, 37], sigma(2.2));
  for (let k = 0, index = 0; k < depth; k++) {
    for (let j = 0; j < height; j++) {
      const fineRow = grainRow(fine, j, k);
      const coarseRow = grainRow(coarse, j, k);
      for (let i = 0, a = 0, b = 0; i < width; i++, index++) {
        const value = hu[index] ?? 0;
        const deviation = grainHu[((value + 1024) / stepHu) | 0] ?? 0;
        const grain =
          0.7 * (fine.values[fineRow + a] ?? 0) + 0.7 * (coarse.values[coarseRow + b] ?? 0);
        const lying = value < -650 && value > -960 ? -slope * ((frame.y[index] ?? 0) + 30) : 0;
        hu[index] = value + lying + deviation * grain;
        if (++a === fine.width) a = 0;
        if (++b === coarse.width) b = 0;
      }
    }
  }
}
