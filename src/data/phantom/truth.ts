/** A made case: its image, and what is truly in it. */
import type { LandmarkName, PointName } from '../tasks.ts';
import type { Vector3 } from '../volume/vector.ts';
import type { Geometry, Volume } from '../volume/volume.ts';

/** What is truly in a phantom, on the grid of its image. */
export interface Truth {
  readonly geometry: Geometry;
  /** RAS mm; independent of the grid. */
  readonly points: Readonly<Record<PointName, Vector3>>;
  /** RAS mm; points that are in no task. */
  readonly landmarks: Readonly<Record<LandmarkName, Vector3>>;
  /** 1 where calcium fills at least half of the voxel (27 samples), else 0. All 0 in the healthy. */
  readonly calcium: Uint8Array;
  /** Values as in `heartLabels`: the structure that fills at least half of the voxel. */
  readonly heart: Uint8Array;
}

/** An image and the truth it was made from; keep them apart. */
export interface Phantom {
  readonly image: Volume;
  readonly truth: Truth;
}
