/**
 * A chest in a scanner: motion of the heart, blur, edge enhancement, noise that grows with what the rays pass through and
 * makes streaks across shoulders, round field with padding.
 */
import type { Random } from '../../../base/index.ts';
import type { ScannerSettings } from '../../settings.ts';
import { blurred } from '../../volume/blur.ts';
import type { Vector3 } from '../../volume/vector.ts';
import type { Shape3 } from '../../volume/volume.ts';
import { blurOf, enhanceEdges, highestHu, lowestHu } from '../scanner.ts';
import type { BlockCanvas } from './block-canvas.ts';
import { grainRow, grainTile } from './noise.ts';

/** Attenuation of water at the mean energy of 120 kV, per mm. */
const waterPerMm = 0.0195;
/** Rays that pass more than this are starved of photons. */
const starvedAt = 6.6;

/** The picture in whole HU. `heartVoxel` is where the annulus lies: there the noise has the deviation that is asked for. */
export function scanChest(
  canvas: BlockCanvas,
  scanner: ScannerSettings,
  heartVoxel: Vector3,
  random: Random,
): Float32Array {
  const { shape, spacingMm } = canvas;
  if (scanner.motionMm > 0) moveHeart(canvas, scanner.motionMm, heartVoxel, random.fork('motion'));
  const sigma = blurOf(scanner, spacingMm);
  const image = blurred(canvas.hu, shape, sigma);
  if (scanner.sharpness > 0) enhanceEdges(image, shape, scanner.sharpness);
  if (scanner.noiseHu > 0) addNoise(image, canvas, scanner.noiseHu, heartVoxel, sigma, random);
  store(image, shape, spacingMm, scanner);
  return image;
}

/** Whole HU within the round field and the scale of 12 bits. */
function store(
  image: Float32Array,
  [depth, height, width]: Shape3,
  spacingMm: Vector3,
  { offsetHu, fieldOfViewMm, paddingHu }: ScannerSettings,
): void {
  for (let k = 0, index = 0; k < depth; k++) {
    for (let j = 0; j < height; j++) {
      const y = (j - (height - 1) / 2) * spacingMm[1];
      const room = (fieldOfViewMm / 2) ** 2 - y * y;
      const halfVoxels = room < 0 ? -1 : Math.sqrt(room) / spacingMm[2];
      for (let i = 0; i < width; i++, index++) {
        const value = Math.round((image[index] ?? 0) + offsetHu) + 0; // + 0: never -0
        image[index] =
          Math.abs(i - (width - 1) / 2) <= halfVoxels
            ? Math.min(highestHu, Math.max(lowestHu, value))
            : paddingHu;
      }
    }
  }
}

/** Blurs the heart's region along one direction of the axial plane, with doubled edges, as a beating heart looks. */
function moveHeart(
  canvas: BlockCanvas,
  motionMm: number,
  [ci, cj, ck]: Vector3,
  random: Random,
): void {
  const { hu } = canvas;
  const [depth, height, width] = canvas.shape;
  const [sd, sh, sw] = canvas.spacingMm;
  const turn = 2 * Math.PI * random.uniform();
  const far = motionMm * (0.4 + 0.6 * random.uniform());
  const di = (far * Math.cos(turn)) / sw;
  const dj = (far * Math.sin(turn)) / sh;
  const before = hu.slice();
  const limit = (count: number, at: number): number => Math.min(count - 1, Math.max(0, at));
  const value = (i: number, j: number, k: number): number => {
    const [a, b] = [Math.floor(i), Math.floor(j)];
    const [s, t] = [i - a, j - b];
    const row = (k * height + limit(height, b)) * width;
    const next = (k * height + limit(height, b + 1)) * width;
    const [left, right] = [limit(width, a), limit(width, a + 1)];
    const near = (before[row + left] ?? 0) * (1 - s) + (before[row + right] ?? 0) * s;
    const on = (before[next + left] ?? 0) * (1 - s) + (before[next + right] ?? 0) * s;
    return near * (1 - t) + on * t;
  };
  const reachMm = 80;
  const range = (centre: number, spacing: number, count: number): [number, number] => [
    Math.max(0, Math.ceil(centre - reachMm / spacing)),
    Math.min(count - 1, Math.floor(centre + reachMm / spacing)),
  ];
  const [kLow, kHigh] = range(ck, sd, depth);
  const [jLow, jHigh] = range(cj, sh, height);
  const [iLow, iHigh] = range(ci, sw, width);
  for (let k = kLow; k <= kHigh; k++) {
    for (let j = jLow; j <= jHigh; j++) {
      for (let i = iLow; i <= iHigh; i++) {
        const away = Math.hypot((k - ck) * sd, (j - cj) * sh, (i - ci) * sw) / reachMm;
        if (away >= 1) continue;
        const share = 0.6 * (1 - away * away);
        const index = (k * height + j) * width + i;
        const ghosts = 0.5 * (value(i + di / 2, j + dj / 2, k) + value(i - di / 2, j - dj / 2, k));
        hu[index] = (before[index] ?? 0) * (1 - share) + ghosts * share;
      }
    }
  }
}

/** Half the logarithm of the noise's variance along rays: rows and columns of each slice. */
function paths(canvas: BlockCanvas): { rows: Float32Array; columns: Float32Array } {
  const { hu } = canvas;
  const [depth, height, width] = canvas.shape;
  const [, sh, sw] = canvas.spacingMm;
  const rows = new Float32Array(depth * height);
  const columns = new Float32Array(depth * width);
  for (let k = 0, index = 0; k < depth; k++) {
    for (let j = 0; j < height; j++) {
      let sum = 0;
      for (let i = 0; i < width; i++, index++) {
        const density = (hu[index] ?? 0) + 1000;
        sum += density;
        columns[k * width + i] = (columns[k * width + i] ?? 0) + density;
      }
      rows[k * height + j] = (sum * waterPerMm * sw) / 1000;
    }
  }
  for (let n = 0; n < columns.length; n++)
    columns[n] = ((columns[n] ?? 0) * waterPerMm * sh) / 1000;
  return { rows, columns };
}

function addNoise(
  image: Float32Array,
  canvas: BlockCanvas,
  noiseHu: number,
  [ci, cj, ck]: Vector3,
  sigma: Vector3,
  random: Random,
): void {
  const [depth, height, width] = canvas.shape;
  const { rows, columns } = paths(canvas);
  const grain: Vector3 = [sigma[0] * 0.7, sigma[1] * 0.8, sigma[2] * 0.8];
  const one = grainTile(random.fork('noise 1'), [17, 41, 43], grain);
  const two = grainTile(random.fork('noise 2'), [19, 37, 47], grain);
  const long = grainTile(random.fork('streaks'), [13, 31, 79], [0.2, 0.5, 9]);
  const within = (at: number, count: number): number =>
    Math.min(count - 1, Math.max(0, Math.round(at)));
  const here = within(ck, depth);
  const strength = (path: number): number => Math.exp(Math.min(5, 0.5 * path));
  const middle = Math.sqrt(
    0.5 * strength(rows[here * height + within(cj, height)] ?? 0) +
      0.5 * strength(columns[here * width + within(ci, width)] ?? 0),
  );
  const scale = noiseHu * Math.SQRT1_2;
  const across = new Float32Array(width);
  for (let k = 0, index = 0; k < depth; k++) {
    for (let i = 0; i < width; i++) across[i] = 0.5 * strength(columns[k * width + i] ?? 0);
    for (let j = 0; j < height; j++) {
      const path = rows[k * height + j] ?? 0;
      const along = 0.5 * strength(path);
      const starved = noiseHu * Math.min(4, Math.expm1(Math.max(0, path - starvedAt) * 0.55));
      const [a, b, c] = [grainRow(one, j, k), grainRow(two, j, k), grainRow(long, j, k)];
      for (let i = 0, p = 0, q = 0, r = 0; i < width; i++, index++) {
        const local = Math.sqrt(along + (across[i] ?? 0)) / middle;
        const deviation = scale * Math.min(3.5, local);
        image[index] =
          (image[index] ?? 0) +
          deviation * ((one.values[a + p] ?? 0) + (two.values[b + q] ?? 0)) +
          starved * (long.values[c + r] ?? 0);
        if (++p === one.width) p = 0;
        if (++q === two.width) q = 0;
        if (++r === long.width) r = 0;
      }
    }
  }
}
