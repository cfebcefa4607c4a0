/** One image in every orientation that a file can have, made by definition and not by the code that is tested. */
import { voxelToWorld, type Vector3, type Volume } from '../../../src/data/index.ts';

/** New axis n is the old axis `from[n]`, run backwards where `flip[n]`; axes are i, j, k. */
export interface Way {
  readonly from: Vector3;
  readonly flip: readonly [boolean, boolean, boolean];
}

/** All 48: six orders of the axes, each run either way. */
export function orientations(): Way[] {
  const orders: Vector3[] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]; // prettier-ignore
  return orders.flatMap((from) =>
    [0, 1, 2, 3, 4, 5, 6, 7].map((bits): Way => ({
      from,
      flip: [(bits & 1) > 0, (bits & 2) > 0, (bits & 4) > 0],
    })),
  );
}

/** The way back. */
export function inverse({ from, flip }: Way): Way {
  const back = [0, 1, 2].map((axis) => from.indexOf(axis)) as unknown as Vector3;
  return { from: back, flip: back.map((n) => flip[n]) as unknown as Way['flip'] };
}

/** The same image as a file whose axes run another way, by its definition: voxel by voxel. */
export function turned({ shape, affine, data }: Volume, { from, flip }: Way): Volume {
  const counts = [shape[2], shape[1], shape[0]];
  const size = from.map((axis) => counts[axis] ?? 0);
  const [ni = 0, nj = 0, nk = 0] = size;
  const old = (index: readonly number[]): number[] => {
    const out = [0, 0, 0];
    from.forEach((axis, n) => {
      out[axis] = flip[n] === true ? (size[n] ?? 0) - 1 - (index[n] ?? 0) : (index[n] ?? 0);
    });
    return out;
  };
  const out = new Float32Array(data.length);
  for (let k = 0; k < nk; k++) {
    for (let j = 0; j < nj; j++) {
      for (let i = 0; i < ni; i++) {
        const [a = 0, b = 0, c = 0] = old([i, j, k]);
        out[(k * nj + j) * ni + i] = data[(c * shape[1] + b) * shape[2] + a] ?? 0;
      }
    }
  }
  const place = (index: readonly number[]): Vector3 =>
    voxelToWorld(affine, old(index) as unknown as Vector3);
  const corner = place([0, 0, 0]);
  const steps = [place([1, 0, 0]), place([0, 1, 0]), place([0, 0, 1])];
  const rows = [0, 1, 2].flatMap((row) => [
    ...steps.map((step) => (step[row] ?? 0) - (corner[row] ?? 0)),
    corner[row] ?? 0,
  ]);
  return { shape: [nk, nj, ni], affine: Float64Array.of(...rows, 0, 0, 0, 1), data: out };
}
