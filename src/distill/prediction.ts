/** The student on a real CT: oriented, resampled, searched window by window, and told in the CT's own space. */
import { utf8 } from '../base/index.ts';
import { openEngine, type Engine, type EngineOptions } from '../compute/index.ts';
import {
  encodeMarkups,
  encodeNifti,
  normalise,
  pointsOf,
  resample,
  resampleLabelsOnto,
  spacingOf,
  tasks,
  taskIds,
  toRas,
  voxelCount,
  type Geometry,
  type Markup,
  type Volume,
} from '../data/index.ts';
import { heartHead, heartOnto } from './heart-map.ts';
import { predictLabelMaps, inferenceDefaults } from './inference.ts';
import { Learner } from './learner.ts';
import { modelInput } from './model-input.ts';
import type { StudentPackage } from './student-package.ts';

export interface CtPrediction {
  /** On the CT's own grid; values as in `labelNames`. */
  readonly labels: Uint8Array;
  /** Points found, RAS mm. */
  readonly points: readonly Markup[];
  /** Names of points that were not found. */
  readonly missed: readonly string[];
  /** Volume of what the student takes for calcium, under points too; null when it has no head for it. */
  readonly calciumMl: number | null;
  /** Structures of the heart on the CT's own grid, values as in `heartLabels`; where the student has a head for them. */
  readonly heart?: Uint8Array;
}

/** Value n + 1 of the label map is `labelNames[n]`: the points' spheres, then calcium. */
export const labelNames: readonly string[] = taskIds.flatMap((id) => tasks[id].labels);

/**
 * Runs the student over one CT.
 * @throws {DistillError} 'no_heart', 'bad_heart'
 */
export async function predictCt(
  student: StudentPackage,
  ct: Volume,
  options: {
    readonly engine: EngineOptions;
    /** The heart's segmentation on the CT's grid, for a student that is conditioned on it. */
    readonly heart?: Volume;
    readonly onProgress: (done: number, total: number) => void;
  },
): Promise<CtPrediction> {
  const engine = await openEngine(options.engine);
  try {
    return await predictWith(engine, student, ct, options.heart ?? null, options.onProgress);
  } finally {
    engine.close();
  }
}

/** As `predictCt`, on an engine that is open already. */
export async function predictWith(
  engine: Engine,
  student: StudentPackage,
  ct: Volume,
  heart: Volume | null,
  onProgress: (done: number, total: number) => void,
): Promise<CtPrediction> {
  const [depth, height, width] = student.spacingMm;
  const grid = resample(toRas(ct), [depth, height, width], 'smooth');
  const image = normalise(grid, student.intensity).data;
  const structures = heart === null ? null : heartOnto(heart, ct, grid);
  const input = modelInput(student.spec, image, grid.shape, structures);
  const learner = new Learner(engine, student.spec, student.weights, null);
  try {
    const settings = { ...inferenceDefaults, window: student.window };
    const { model, tensors } = learner;
    const maps = await predictLabelMaps(engine, model, tensors, input, settings, onProgress);
    return collect(maps, grid, ct);
  } finally {
    learner.dispose();
  }
}

function collect(maps: ReadonlyMap<string, Uint8Array>, grid: Volume, ct: Volume): CtPrediction {
  const all = new Uint8Array(voxelCount(grid.shape));
  const points: Markup[] = [];
  const missed: string[] = [];
  let first = 0;
  for (const id of taskIds) {
    const { labels, kind } = tasks[id];
    const map = maps.get(id);
    if (map !== undefined) {
      map.forEach((value, voxel) => {
        // Points lie on calcium often: the smaller structure is kept.
        if (value > 0 && all[voxel] === 0) all[voxel] = first + value;
      });
      if (kind === 'points') {
        pointsOf(map, grid, labels.length).forEach((position, index) => {
          const label = labels[index] ?? '';
          if (position === null) missed.push(label);
          else points.push({ label, position });
        });
      }
    }
    first += labels.length;
  }
  const calcium = maps.get('calc');
  const heart = maps.get(heartHead);
  return {
    labels: resampleLabelsOnto(all, grid, ct),
    points,
    missed,
    calciumMl: calcium === undefined ? null : volumeMl(calcium, grid),
    ...(heart === undefined ? {} : { heart: resampleLabelsOnto(heart, grid, ct) }),
  };
}

function volumeMl(map: Uint8Array, { affine }: Geometry): number {
  const voxelMl = spacingOf(affine).reduce((product, mm) => product * mm, 1) / 1000;
  return map.reduce((sum, value) => sum + (value > 0 ? voxelMl : 0), 0);
}

/** The prediction as files that lie on the CT in 3D Slicer and nibabel. */
export function predictionFiles(prediction: CtPrediction, ct: Volume): Map<string, Uint8Array> {
  const names = Object.fromEntries(labelNames.map((name, index) => [String(index + 1), name]));
  const { labels, heart, points } = prediction;
  const encode = (data: Uint8Array): Uint8Array =>
    encodeNifti({ shape: ct.shape, affine: ct.affine, data }, { gzip: true });
  return new Map([
    ['labels.nii.gz', encode(labels)],
    ['labels.json', utf8(`${JSON.stringify(names, null, 2)}\n`)],
    ['points.mrk.json', encodeMarkups(points)],
    ...(heart === undefined ? [] : [['heart.nii.gz', encode(heart)] as const]),
  ]);
}

/** What was found, a line each. */
export function predictionLines(prediction: CtPrediction): string[] {
  const { points, missed, calciumMl } = prediction;
  return [
    ...points.map(
      ({ label, position }) =>
        `${label.padEnd(4)} ${position.map((mm) => mm.toFixed(1)).join(' ')} mm RAS`,
    ),
    ...missed.map((label) => `${label.padEnd(4)} not found`),
    ...(calciumMl === null ? [] : [`calcium ${calciumMl.toFixed(2)} ml`]),
  ];
}
