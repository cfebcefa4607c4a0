/** The student on a real CT: oriented, resampled, searched window by window, and told in the CT's own space. */
import { openEngine, type Engine, type EngineOptions } from '../../compute/index.ts';
import {
  distanceBetween,
  judge,
  resampleLabelsOnto,
  tasks,
  taskIds,
  voxelCount,
  voxelMl,
  voxelToWorld,
  type Markup,
  type Plausibility,
  type Vector3,
  type Volume,
} from '../../data/index.ts';
import { heartHead } from '../heart-map.ts';
import { argmaxLabels, type ChannelVolume } from '../../models/index.ts';
import { lookCloser, sceneOf } from './closer-look.ts';
import { predictLogits, inferenceDefaults } from './inference.ts';
import { LoadedModel } from '../loaded-model.ts';
import { modelInput } from '../model-input.ts';
import { findRoot, meanProbability, pointMaps, reachMm } from './root-search.ts';
import type { FoundPoint } from './mean-root.ts';
import { middleOf } from './turned-windows.ts';
import type { StudentPackage } from './student-package.ts';

/** What a student found in one CT. Maps are on the CT's own grid, in the order of its file. */
export interface CtPrediction {
  /** The points' spheres on the CT's own grid; value n + 1 is `pointNames[n]`. */
  readonly labels: Uint8Array;
  /** Points found, RAS mm. */
  readonly points: readonly Markup[];
  /** Names of points that were not found. */
  readonly missed: readonly string[];
  /** Mean over all points that were looked for, 0 for one that was not found; null for a student that knows no points. */
  readonly probability: number | null;
  /** What the student takes for calcium, 1 on the CT's own grid, under points too; null when it has no head for it. */
  readonly calcium: Uint8Array | null;
  /** Volume of the voxels in `calcium`; null when there is none. */
  readonly calciumMl: number | null;
  /** Structures of the heart on the CT's own grid, values as in `heartLabels`; where the student has a head for them. */
  readonly heart?: Uint8Array;
  /** Whether a heart can be so. */
  readonly plausibility: Plausibility;
}

/** From the middle of a root's points to the farthest calcium of its valve, mm: half of what a root with ostia and septum spans. */
const valveReachMm = 35;

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
  const seen = { ct, heart };
  const scene = sceneOf(student, seen, 1);
  const { grid, structures } = scene;
  const input = modelInput(student.spec, grid.data, grid.shape, structures);
  const loaded = new LoadedModel(engine, student.spec, student.weights);
  try {
    const settings = { ...inferenceDefaults, window: student.window };
    const logits = await predictLogits(engine, loaded, input, settings, onProgress);
    const first = findRoot(pointMaps(logits), grid);
    const root = await lookCloser({ engine, loaded, student }, seen, scene, first);
    return collect(logits, root, grid, ct);
  } finally {
    loaded.dispose();
  }
}

function collect(
  logits: ReadonlyMap<string, ChannelVolume>,
  root: readonly FoundPoint[],
  grid: Volume,
  ct: Volume,
): CtPrediction {
  const likely = pointMaps(logits);
  const missed = [...likely.keys()].filter((name) => root.every((point) => point.name !== name));
  const mapOf = (head: string): Uint8Array | null => {
    const volume = logits.get(head);
    return volume === undefined ? null : argmaxLabels(volume);
  };
  const onCt = (map: Uint8Array | null): Uint8Array | null =>
    map === null ? null : resampleLabelsOnto(map, grid, ct);
  const calcium = onCt(valveCalcium(mapOf('calc'), root, grid));
  const heart = onCt(mapOf(heartHead));
  // Of the very map that is handed out, so that whoever counts its voxels finds the same.
  const calciumMl = calcium === null ? null : countOf(calcium) * voxelMl(ct);
  const probability = likely.size === 0 ? null : meanProbability(root, likely.size);
  const answer = {
    points: Object.fromEntries(root.map(({ name, position }) => [name, position])),
    probability,
    calcium: calcium === null || calciumMl === null ? null : { mask: calcium, ml: calciumMl },
  };
  return {
    labels: resampleLabelsOnto(spheresOf(logits, root, grid), grid, ct),
    points: root.map(({ name, position }) => ({ label: name, position })),
    missed,
    probability,
    calcium,
    calciumMl,
    ...(heart === null ? {} : { heart }),
    plausibility: judge(answer, ct),
  };
}

/** The calcium near the root, where one was found: what shines elsewhere in a chest is no valve's. */
function valveCalcium(
  map: Uint8Array | null,
  root: readonly FoundPoint[],
  grid: Volume,
): Uint8Array | null {
  if (map === null || root.length === 0) return map;
  const middle = middleOf(root);
  return map.map((value, voxel) =>
    value > 0 && distanceBetween(worldOf(voxel, grid), middle) <= valveReachMm ? value : 0,
  );
}

/** The voxels that the heads give to the points that were found; value n + 1 is `pointNames[n]`. */
function spheresOf(
  logits: ReadonlyMap<string, ChannelVolume>,
  root: readonly FoundPoint[],
  grid: Volume,
): Uint8Array {
  const spheres = new Uint8Array(voxelCount(grid.shape));
  let first = 0;
  for (const id of taskIds) {
    const { labels, kind } = tasks[id];
    if (kind !== 'points') continue;
    const volume = logits.get(id);
    const found = labels.map((label) => root.find(({ name }) => name === label));
    (volume === undefined ? new Uint8Array(0) : argmaxLabels(volume)).forEach((value, voxel) => {
      const point = found[value - 1];
      if (point === undefined || spheres[voxel] !== 0) return;
      const at = worldOf(voxel, grid);
      if (distanceBetween(at, point.position) <= reachMm) spheres[voxel] = first + value;
    });
    first += labels.length;
  }
  return spheres;
}

/** RAS mm of a voxel's index. */
function worldOf(voxel: number, { affine, shape: [, height, width] }: Volume): Vector3 {
  const row = Math.floor(voxel / width);
  return voxelToWorld(affine, [voxel % width, row % height, Math.floor(row / height)]);
}

function countOf(mask: Uint8Array): number {
  return mask.reduce((count, value) => count + (value > 0 ? 1 : 0), 0);
}
