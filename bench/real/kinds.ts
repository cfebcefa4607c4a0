/**
 * Phantoms of chests with what training may leave out: rare findings, fields without the root, images that are no chest. The same
 * seed and number are the same patient in every kind, so that kinds differ by what they are named for and nothing else.
 */
import { seededRandom, type Random } from '../../src/base/index.ts';
import {
  blurred,
  makePhantom,
  phantomDefaults,
  pointNames,
  rasAffine,
  scannerDefaults,
  voxelCount,
  worldToVoxel,
  type Phantom,
  type RareShares,
  type ScannerSettings,
  type Shape3,
  type Vector3,
  type Volume,
} from '../../src/data/index.ts';
import type { FoundPoints } from './scores.ts';
import { cropped } from './variations.ts';

/** An image with the places of the points in it, RAS mm; a point outside of the image is there too. */
export interface Sample {
  readonly image: Volume;
  readonly truth: FoundPoints;
}

/** What is left out, and how an image of it is made. */
export interface Kind {
  readonly name: string;
  readonly make: (seed: string, n: number, field: FieldName) => Sample;
}

/** How much of a chest an image of a rare finding shows. */
export type FieldName = 'heart' | 'chest';

const spacingMm: Vector3 = [3, 3, 3];
/** The heart with what lies around it, and all of a chest. */
const fields: Readonly<Record<FieldName, Shape3>> = {
  heart: [56, 60, 64],
  chest: [100, 100, 124],
};
/**
 * As the field of a heart, 420 mm long. The annulus lies within 29 mm of the middle and the root's points within 45 mm of it: of
 * the belly 46 mm are left at least.
 */
const tallField: Shape3 = [140, 60, 64];
/** What lies nearer to a point than this belongs to the root, mm. */
const marginMm = 30;
/** From the root down to where no heart is any more, mm. */
const bellyMm = 90;
/** A little less beyond what is measured in patients than the preset of chests goes. */
const variety = 0.5;

/** Eight hospitals; patient n is scanned by number n modulo 8. */
const scanners: readonly Partial<ScannerSettings>[] = [
  { noiseHu: 16, contrastPeakHu: 390, kiloVolts: 100 },
  { blurFwhmMm: 0.7, sharpness: 1, noiseHu: 38, contrastPeakHu: 520, kiloVolts: 80 },
  { blurFwhmMm: 2, noiseHu: 12, contrastTimingS: 5, offsetHu: 10 },
  { blurFwhmMm: 1.5, noiseHu: 24, contrastPeakHu: 260, contrastTimingS: -2, stepMm: 2, motionMm: 1.5 },
  { blurFwhmMm: 1.8, noiseHu: 34, contrastPeakHu: 300, contrastTimingS: 8, spacingMm: [3, 0.7, 0.7] },
  { blurFwhmMm: 1, sharpness: 0.5, noiseHu: 50, contrastPeakHu: 580, kiloVolts: 70 },
  { blurFwhmMm: 2.8, noiseHu: 10, contrastTimingS: -3, stepMm: 1, paddingHu: -2000 },
  { blurFwhmMm: 1.4, noiseHu: 70, contrastPeakHu: 320, contrastTimingS: 3, kiloVolts: 140 },
]; // prettier-ignore

const rareNames = Object.keys(phantomDefaults.rare) as (keyof RareShares)[];

/** All kinds, in the order of the table. */
export const kinds: readonly Kind[] = [
  { name: 'usual, field of a heart', make: (seed, n) => whole(patient(seed, n, fields.heart)) },
  { name: 'usual, whole chest', make: (seed, n) => whole(patient(seed, n, fields.chest)) },
  { name: 'scanners of nobody', make: (seed, n) => whole(stranger(seed, n, 'chest')) },
  { name: 'poor scans', make: (seed, n) => whole(stranger(seed, n, 'chest', poorScanner)) },
  { name: 'the older scene', make: (seed, n) => whole(stranger(seed, n, 'heart')) },
  ...rareNames.map((name): Kind => ({
    name,
    make: (seed, n, field) => whole(patient(seed, n, fields[field], { [name]: 1 })),
  })),
  {
    name: 'cut through the root',
    make: (seed, n) => slab(patient(seed, n, tallField), ({ middle }) => [middle, Infinity]),
  },
  {
    name: 'field above the root',
    make: (seed, n) => slab(patient(seed, n, tallField), ({ top }) => [top + marginMm, Infinity]),
  },
  {
    name: 'field below the root',
    make: (seed, n) =>
      slab(patient(seed, n, tallField), ({ bottom }) => [-Infinity, bottom - marginMm]),
  },
  {
    name: 'belly only',
    make: (seed, n) =>
      slab(patient(seed, n, tallField), ({ bottom }) => [-Infinity, bottom - bellyMm]),
  },
  { name: 'noise only', make: (seed, n) => ({ image: noise(forkOf(seed, n), 0), truth: {} }) },
  { name: 'clouds only', make: (seed, n) => ({ image: noise(forkOf(seed, n), 3), truth: {} }) },
];

function forkOf(seed: string, n: number): Random {
  return seededRandom(`left out ${seed}`).fork(`patient ${n}`);
}

function patient(seed: string, n: number, shape: Shape3, rare: Partial<RareShares> = {}): Phantom {
  return makePhantom(
    forkOf(seed, n),
    {
      ...{ ...phantomDefaults, scene: 'chest', variety, shape, spacingMm },
      rare: { ...phantomDefaults.rare, ...rare },
    },
    { ...scannerDefaults, fieldOfViewMm: 500, ...scanners[n % scanners.length] },
  );
}

type Between = (low: number, high: number) => number;

/** A scanner farther from the usual than any hospital's. */
function drawnScanner(between: Between): Partial<ScannerSettings> {
  return {
    blurFwhmMm: between(0.6, 3),
    sharpness: between(0, 1),
    noiseHu: between(8, 60),
    contrastTimingS: between(-3, 8),
    contrastPeakHu: between(250, 600),
    offsetHu: between(-20, 20),
    spacingMm: [between(0.6, 3), 0.6, 0.6],
    kiloVolts: between(70, 140),
  };
}

/** Little contrast, much noise and a smooth kernel: scans that a radiologist would send back. */
function poorScanner(between: Between): Partial<ScannerSettings> {
  return {
    ...drawnScanner(between),
    blurFwhmMm: between(3, 6),
    noiseHu: between(60, 140),
    contrastPeakHu: between(110, 220),
  };
}

/** A patient in a drawn scanner and field; every second chest has all the variety there is. */
function stranger(
  seed: string,
  n: number,
  scene: 'chest' | 'heart',
  scanner: (between: Between) => Partial<ScannerSettings> = drawnScanner,
): Phantom {
  const random = forkOf(seed, n);
  const draws = random.fork('scanner');
  const between: Between = (low, high) => low + (high - low) * draws.uniform();
  const isWhole = scene === 'chest' && n % 4 < 2;
  const extents: readonly (readonly [number, number])[] = isWhole
    ? [[80, 115], [80, 95], [95, 125]] // prettier-ignore
    : [[48, 70], [48, 64], [50, 70]]; // prettier-ignore
  const [depth = 0, height = 0, width = 0] = extents.map(([low, high]) =>
    Math.round(between(low, high)),
  );
  return makePhantom(
    random,
    {
      ...{ ...phantomDefaults, scene, spacingMm, shape: [depth, height, width] },
      variety: scene === 'chest' && n % 2 === 0 ? 1 : 0.2,
    },
    {
      ...{ ...scannerDefaults, ...scanner(between) },
      fieldOfViewMm: isWhole ? between(300, 450) : between(170, 300),
      ...(scene === 'chest' ? { motionMm: between(0, 3), stepMm: between(0, 2) } : {}),
    },
  );
}

function whole({ image, truth }: Phantom): Sample {
  return { image, truth: truth.points };
}

/** Heights of the root's points along the patient, mm. */
export interface RootHeights {
  readonly bottom: number;
  readonly middle: number;
  readonly top: number;
}

/** The slices of a phantom between two heights, RAS mm. */
export function slab(
  { image, truth }: Phantom,
  between: (root: RootHeights) => readonly [number, number],
): Sample {
  const heights = pointNames.map((name) => truth.points[name][2]);
  const [bottom, top] = [Math.min(...heights), Math.max(...heights)];
  const [low, high] = between({ bottom, middle: (bottom + top) / 2, top });
  const [depth, height, width] = image.shape;
  const sliceAt = (mm: number): number => worldToVoxel(image.affine, [0, 0, mm])[2];
  const first = Math.max(0, Math.ceil(sliceAt(low === -Infinity ? -1e6 : low)));
  const last = Math.min(depth - 1, Math.floor(sliceAt(high === Infinity ? 1e6 : high)));
  return {
    image: cropped(image, { first: [first, 0, 0], shape: [last - first + 1, height, width] }),
    truth: truth.points,
  };
}

/** Values of a chest's spread in no order; in clouds as large as organs where `blurVoxels` is above 0. */
function noise(random: Random, blurVoxels: number): Volume {
  const raw = Float32Array.from({ length: voxelCount(fields.heart) }, () => random.normal());
  const smooth =
    blurVoxels === 0 ? raw : blurred(raw, fields.heart, [blurVoxels, blurVoxels, blurVoxels]);
  const square = smooth.reduce((sum, value) => sum + value * value, 0) / smooth.length;
  const data = smooth.map((value) => Math.round(-150 + (400 * value) / Math.sqrt(square)));
  return { shape: fields.heart, affine: rasAffine(spacingMm, [0, 0, 0]), data };
}
