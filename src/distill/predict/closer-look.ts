/** A root that was found is looked at more closely: in windows around it in which it stands upright, and at the mean size. */
import type { Engine } from '../../compute/index.ts';
import {
  distanceBetween,
  normalise,
  resample,
  resampleLabelsOnto,
  resampleOnto,
  spacingOf,
  toRas,
  type Volume,
} from '../../data/index.ts';
import { heartOnto } from '../heart-map.ts';
import type { LoadedModel } from '../loaded-model.ts';
import { modelInput } from '../model-input.ts';
import { inferenceDefaults, predictLogits } from './inference.ts';
import { findRoot, pointMaps } from './root-search.ts';
import { sizeOfRoot, type FoundPoint } from './mean-root.ts';
import type { StudentPackage } from './student-package.ts';
import { agreedRoot, turnedWindows } from './turned-windows.ts';

/**
 * Where a root was found, places that are less likely are taken too: of 168 points of 24 poor scans 47 were missed with it and 57 with
 * the 0.2 of a whole chest, at the same error (decision 031).
 */
const nearProbabilityMin = 0.05;
/** A root is shown at the mean root's size, but changed no more than this: else what lies around it leaves the window, or voxels blur. */
const sizes = { least: 0.77, most: 1.25 } as const;

/** A root that was seen turned is looked at again until no point moves by more than that, mm; most of them once or twice. */
const settledMm = 2;
const looksMost = 5;

/** A student that is loaded. */
export interface Looker {
  readonly engine: Engine;
  readonly loaded: LoadedModel;
  readonly student: StudentPackage;
}

/** A CT, and the heart's segmentation on its grid for a student that is conditioned on it. */
export interface SeenCt {
  readonly ct: Volume;
  readonly heart: Volume | null;
}

/** What a model sees of a CT: normalised intensities on its own grid, and the heart's structures where it sees them. */
export interface Scene {
  readonly grid: Volume;
  readonly structures: Uint8Array | null;
}

/** The CT as a student sees it, its voxels smaller by `share`: what the student sees then is larger. */
export function sceneOf(
  { spacingMm: [depth, height, width], intensity }: StudentPackage,
  { ct, heart }: SeenCt,
  share: number,
): Scene {
  const grid = resample(toRas(ct), [depth * share, height * share, width * share], 'smooth');
  const structures = heart === null ? null : heartOnto(heart, ct, grid);
  return { grid: { ...grid, data: normalise(grid, intensity).data }, structures };
}

/**
 * The root as it is seen in windows of its own, in which it stands as the mean root does, again until it stays where it is; then once
 * more at the mean root's size, where no fewer of its points are found so.
 *
 * @param scene the CT in the student's own voxels
 */
export async function lookCloser(
  looker: Looker,
  seen: SeenCt,
  scene: Scene,
  first: readonly FoundPoint[],
): Promise<readonly FoundPoint[]> {
  if (first.length === 0) return [];
  let before = first;
  let root = await look(looker, scene, first);
  for (let looks = 1; looks < looksMost && hasMoved(before, root); looks++) {
    before = root;
    root = await look(looker, scene, root);
  }
  if (root.length === 0) return root;
  const size = sizeOfRoot(root) ?? 1;
  const share = Math.min(sizes.most, Math.max(sizes.least, size));
  const again = await look(looker, sceneOf(looker.student, seen, share), root);
  return again.length >= root.length ? again : root;
}

/** Whether a point came, went or lies elsewhere; never where none is left. */
function hasMoved(before: readonly FoundPoint[], after: readonly FoundPoint[]): boolean {
  if (after.length === 0) return false;
  if (after.length !== before.length) return true;
  return after.some(({ name, position }) => {
    const was = before.find((point) => point.name === name);
    return was === undefined || distanceBetween(was.position, position) > settledMm;
  });
}

/** What windows around a root agree on. @param near at least one point */
async function look(
  { engine, loaded, student: { spec, window } }: Looker,
  { grid, structures }: Scene,
  near: readonly FoundPoint[],
): Promise<FoundPoint[]> {
  const darkest = grid.data.reduce((a, b) => Math.min(a, b));
  const settings = { ...inferenceDefaults, window };
  const views: FoundPoint[][] = [];
  for (const place of turnedWindows(near, window, spacingOf(grid.affine))) {
    const seen = resampleOnto(grid, place, 'linear', darkest).data;
    const heart = structures === null ? null : resampleLabelsOnto(structures, grid, place);
    const input = modelInput(spec, seen, window, heart);
    const maps = pointMaps(await predictLogits(engine, loaded, input, settings));
    views.push(findRoot(maps, place, nearProbabilityMin));
  }
  return agreedRoot(views);
}
