/** How large patches and windows are: three lengths, or each volume as a whole. */
import { divisorOf, type ModelSpec, type Triple } from '../../models/index.ts';

/** Voxels along [depth, height, width], or every case's own volume, padded to what the model takes. */
export type PatchSize = Triple | 'whole';

/** The size for a volume of `shape`: `patch` itself, or the least one that holds the volume and that the model takes. */
export function sizeFor(patch: PatchSize, shape: Triple, spec: ModelSpec): Triple {
  if (patch !== 'whole') return patch;
  const divisor = divisorOf(spec);
  const counts = shape.map((length, axis) => Math.ceil(length / (divisor[axis] as number)));
  // The deepest stage needs more than one voxel: an instance norm of one is zero.
  const isOne = counts.every((count) => count === 1);
  const [depth = 1, height = 1, width = 1] = counts;
  return [depth * divisor[0], height * divisor[1], (isOne ? 2 : width) * divisor[2]];
}
