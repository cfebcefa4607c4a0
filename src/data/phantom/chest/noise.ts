/** Smooth fields of chance for bumps, and tiles of grain for textures and noise. */
import type { Random } from '../../../base/index.ts';
import { blurred } from '../../volume/blur.ts';
import type { Shape } from '../shapes.ts';

const side = 32;
const mask = side - 1;

/** A field of about -1 to 1 that changes over a length of 1 and repeats after 32. */
export function smoothField(random: Random): Shape['distance'] {
  const table = new Float32Array(side ** 3);
  for (let n = 0; n < table.length; n++) table[n] = 2 * random.uniform() - 1;
  const at = (i: number, j: number, k: number): number =>
    table[((k & mask) * side + (j & mask)) * side + (i & mask)] ?? 0;
  return (x, y, z) => {
    const [i, j, k] = [Math.floor(x), Math.floor(y), Math.floor(z)];
    const a = eased(x - i);
    const b = eased(y - j);
    const c = eased(z - k);
    const low =
      (at(i, j, k) * (1 - a) + at(i + 1, j, k) * a) * (1 - b) +
      (at(i, j + 1, k) * (1 - a) + at(i + 1, j + 1, k) * a) * b;
    const high =
      (at(i, j, k + 1) * (1 - a) + at(i + 1, j, k + 1) * a) * (1 - b) +
      (at(i, j + 1, k + 1) * (1 - a) + at(i + 1, j + 1, k + 1) * a) * b;
    return low * (1 - c) + high * c;
  };
}

function eased(t: number): number {
  return t * t * (3 - 2 * t);
}

/** Grain of deviation 1 that repeats after `width` voxels along i, `height` along j and `depth` along k. */
export interface Grain {
  readonly values: Float32Array;
  readonly width: number;
  readonly height: number;
  readonly depth: number;
}

/** Normal grain, blurred by `sigma` voxels along [k, j, i]. Two tiles of unlike lengths together do not visibly repeat. */
export function grainTile(
  random: Random,
  [depth, height, width]: readonly [number, number, number],
  sigma: readonly [number, number, number],
): Grain {
  const white = new Float32Array(depth * height * width);
  for (let n = 0; n < white.length; n++) white[n] = random.normal();
  const values = blurred(white, [depth, height, width], sigma);
  let squares = 0;
  for (const value of values) squares += value * value;
  const scale = 1 / Math.sqrt(squares / values.length);
  for (let n = 0; n < values.length; n++) values[n] = (values[n] ?? 0) * scale;
  return { values, width, height, depth };
}

/** First place in a tile of the row (j, k); the row then runs on from `i % width`. */
export function grainRow({ width, height, depth }: Grain, j: number, k: number): number {
  return ((k % depth) * height + (j % height)) * width;
}
