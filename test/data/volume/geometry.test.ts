import { expect } from 'chai';
import {
  DataError,
  largestComponentCentre,
  normalise,
  paintSpheres,
  paperScale,
  percentiles,
  pointsOf,
  rasAffine,
  resample,
  resampleLabelsOnto,
  resampleOnto,
  respacedGeometry,
  spacingOf,
  toRas,
  voxelToWorld,
  worldToVoxel,
  type Geometry,
  type Vector3,
  type Volume,
} from '../../../src/data/index.ts';
import { inverse, orientations, turned } from './orientations.ts';

/** A volume whose value is 2x + 3y - z + 5 at each voxel centre's place in the world. */
function ramp({ shape, affine }: Geometry): Volume {
  const [depth, height, width] = shape;
  const data = new Float32Array(depth * height * width);
  data.forEach((_, index) => {
    const i = index % width;
    const j = Math.floor(index / width) % height;
    const k = Math.floor(index / (width * height));
    const [x, y, z] = voxelToWorld(affine, [i, j, k]);
    data[index] = 2 * x + 3 * y - z + 5;
  });
  return { shape, affine, data };
}

const grid: Geometry = { shape: [6, 8, 10], affine: rasAffine([3, 2, 1.5], [-10, 20, 5]) };

describe('voxels and mm', () => {
  it('are each other turned round', () => {
    const affine = new Float64Array([0, 2, 0.1, 5, -1, 0, 0, 6, 0, 0.2, 3, 7, 0, 0, 0, 1]);
    // By hand: i = 1, j = 2, k = 3 gives x = 0 + 4 + 0.3 + 5.
    const world = voxelToWorld(affine, [1, 2, 3]);
    [9.3, 5, 16.4].forEach((mm, axis) => {
      expect(world[axis]).to.be.closeTo(mm, 1e-12);
    });
    worldToVoxel(affine, world).forEach((index, axis) => {
      expect(index).to.be.closeTo(axis + 1, 1e-12);
    });
    expect(spacingOf(grid.affine)).to.deep.equal([3, 2, 1.5]);
  });
});

describe('resampling', () => {
  it('keeps a linear ramp where both grids see it', () => {
    const fine = resample(ramp(grid), [1, 1, 1], 'linear');
    expect(fine.shape).to.deep.equal([18, 16, 15]);
    const truth = ramp(fine);
    const [depth, height, width] = fine.shape;
    for (let k = 2; k < depth - 2; k++) {
      for (let j = 2; j < height - 2; j++) {
        for (let i = 2; i < width - 2; i++) {
          const index = (k * height + j) * width + i;
          expect(fine.data[index]).to.be.closeTo(truth.data[index]!, 1e-3);
        }
      }
    }
  });

  it('keeps the box: voxel centres move by half a difference of voxels', () => {
    const coarse = respacedGeometry(grid, [6, 4, 3]);
    expect(coarse.shape).to.deep.equal([3, 4, 5]);
    // The box begins half a voxel before the first centre: -10 - 0.75 + 1.5, 20 - 1 + 2, 5 - 1.5 + 3.
    expect(voxelToWorld(coarse.affine, [0, 0, 0])).to.deep.equal([-9.25, 21, 6.5]);
  });

  it('changes nothing on its own grid', () => {
    const volume = ramp(grid);
    for (const mode of ['linear', 'nearest', 'smooth'] as const) {
      expect(resampleOnto(volume, grid, mode).data, mode).to.deep.equal(volume.data);
      expect(resample(volume, [3, 2, 1.5], mode).data, mode).to.deep.equal(volume.data);
    }
  });

  it('averages noise away only in smooth mode', () => {
    const shape = [24, 24, 24] as const;
    const affine = rasAffine([1, 1, 1], [0, 0, 0]);
    const data = Float32Array.from({ length: 24 ** 3 }, (_, n) => ((n * 2654435761) % 7) - 3);
    const spread = (values: Float32Array): number =>
      Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
    const volume = { shape, affine, data };
    const nearest = spread(resample(volume, [3, 3, 3], 'nearest').data);
    expect(spread(resample(volume, [3, 3, 3], 'smooth').data)).to.be.below(nearest / 3);
  });

  it('says what is outside', () => {
    const away = { ...grid, affine: rasAffine([3, 2, 1.5], [-25, 20, 5]) };
    const moved = resampleOnto(ramp(grid), away, 'linear', -7);
    // 15 mm to the left is ten voxels: all of them outside.
    expect(new Set(moved.data)).to.deep.equal(new Set([-7]));
    const part = { ...grid, affine: rasAffine([3, 2, 1.5], [-11.5, 20, 5]) };
    const shifted = resampleOnto(ramp(grid), part, 'nearest');
    expect([...shifted.data.subarray(0, 2)]).to.deep.equal([-1024, ramp(grid).data[0]]);
  });

  it('carries labels through another orientation and back', () => {
    const labels = Uint8Array.from({ length: 480 }, (_, n) => (n * 7) % 5);
    const flipped = new Float64Array([-1.5, 0, 0, 3.5, 0, -2, 0, 34, 0, 0, 3, 5, 0, 0, 0, 1]);
    const other = { shape: grid.shape, affine: flipped };
    const there = resampleLabelsOnto(labels, grid, other);
    expect(there).to.not.deep.equal(labels);
    expect(resampleLabelsOnto(there, other, grid)).to.deep.equal(labels);
    const volume = { ...other, data: Float32Array.from(there) };
    expect(toRas(volume)).to.deep.equal({ ...grid, data: Float32Array.from(labels) });
  });

  // 0.3 rad, and 45 degrees, where two axes run along right and front equally.
  for (const angle of [0, 0.3, Math.PI / 4]) {
    it(`gives the same labels in all 48 orientations, turned by ${angle.toFixed(2)}`, () => {
      const [cos, sin] = [1.5 * Math.cos(angle), 1.5 * Math.sin(angle)];
      const affine = Float64Array.of(cos, -sin, 0, -20, sin, cos, 0, 31, 0, 0, 1.5, 7, 0, 0, 0, 1);
      const data = Float32Array.from({ length: 6 * 7 * 8 }, (_, n) => (n * 7919) % 5);
      const image = { shape: [6, 7, 8], affine, data } as const;
      // 4.5 mm over 1.5 mm: a voxel of two axes in three lies half way between two labels.
      const labelsOf = (volume: Volume): Uint8Array => {
        const ras = toRas(volume);
        const coarse = resample(ras, [4.5, 4.5, 4.5], 'nearest');
        expect(coarse.shape).to.deep.equal([2, 2, 3]);
        return resampleLabelsOnto(
          Uint8Array.from(coarse.data, (_, n) => n + 1),
          coarse,
          volume,
        );
      };
      const labels = Float32Array.from(labelsOf(image));
      const ras = toRas(image);
      for (const way of orientations()) {
        const other = turned(image, way);
        const said = JSON.stringify(way);
        expect(toRas(other).data, said).to.deep.equal(ras.data);
        const back = turned({ ...other, data: Float32Array.from(labelsOf(other)) }, inverse(way));
        expect(back.data, said).to.deep.equal(labels);
      }
    });
  }

  it('takes of two equally near labels the one to the right, to the front or above', () => {
    // Two labels 2 mm wide; the place between them, 1 mm from both, is that of the one voxel asked for.
    for (const axis of [0, 1, 2] as const) {
      for (const sign of [1, -1]) {
        const shape = [2, 1, 0].map((n) => (n === axis ? 2 : 1)) as unknown as Geometry['shape'];
        const affine = rasAffine([2, 2, 2], [0, 0, 0]);
        affine[axis * 5] = 2 * sign;
        affine[axis * 4 + 3] = -sign; // voxel centres at -1 and 1 mm, in either order
        const middle = { shape: [1, 1, 1] as const, affine: rasAffine([2, 2, 2], [0, 0, 0]) };
        const labels = Uint8Array.of(1, 2);
        const upper = sign > 0 ? 2 : 1;
        const name = `axis ${axis}, ${sign}`;
        expect([...resampleLabelsOnto(labels, { shape, affine }, middle)], name).deep.equal([
          upper,
        ]);
      }
    }
  });

  it('refuses spacings that make no grid', () => {
    for (const mm of [0, -1, Number.NaN, 1e-6]) {
      expect(() => resample(ramp(grid), [mm, 1, 1], 'linear'), String(mm)).to.throw(DataError);
    }
  });
});

describe('intensities', () => {
  it('have percentiles as numpy computes them', () => {
    // numpy.percentile([3, 1, 2, 10], [0, 25, 50, 90, 100]) = 1, 1.75, 2.5, 7.9, 10
    const found = percentiles(Float32Array.of(3, 1, 2, 10), [0, 25, 50, 90, 100]);
    [1, 1.75, 2.5, 7.9, 10].forEach((value, n) => {
      expect(found[n]).to.be.closeTo(value, 1e-9);
    });
    expect(() => percentiles(new Float32Array(0), [50])).to.throw(DataError);
    expect(() => percentiles(Float32Array.of(1), [101])).to.throw(DataError);
  });

  it('are clipped and standardised with given constants', () => {
    const volume = {
      shape: [1, 1, 3] as const,
      affine: rasAffine([1, 1, 1], [0, 0, 0]),
      data: Float32Array.of(-3000, -439.6132772, 5000),
    };
    const { data } = normalise(volume, paperScale);
    // (-1024 + 439.613) / 520.983 and (696 + 439.613) / 520.983
    [-1.1217, 0, 2.17975].forEach((value, n) => {
      expect(data[n]).to.be.closeTo(value, 1e-4);
    });
    expect(() => normalise(volume, { ...paperScale, stdHu: 0 })).to.throw(DataError);
    expect(() => normalise(volume, { ...paperScale, clipLowHu: 700 })).to.throw(DataError);
  });
});

describe('the largest component', () => {
  const shape = [4, 5, 6] as const;
  const place = (d: number, h: number, w: number): number => (d * 5 + h) * 6 + w;

  it('is found by size, its centre in fractional voxels', () => {
    const labels = new Uint8Array(120);
    labels[place(0, 0, 0)] = 2;
    for (const w of [3, 4]) labels[place(2, 3, w)] = 2;
    for (const w of [0, 1, 2, 3]) labels[place(3, 0, w)] = 1;
    expect(largestComponentCentre(labels, shape, 2)).to.deep.equal([2, 3, 3.5]);
    expect(largestComponentCentre(labels, shape, 1)).to.deep.equal([3, 0, 1.5]);
    expect(largestComponentCentre(labels, shape, 3)).to.equal(null);
  });

  it('holds together over corners and does not run over the border', () => {
    const labels = new Uint8Array(120);
    labels[place(0, 0, 0)] = 1;
    labels[place(1, 1, 1)] = 1;
    labels[place(2, 2, 5)] = 1;
    labels[place(2, 3, 0)] = 1; // next index, other end of the row
    expect(largestComponentCentre(labels, shape, 1)).to.deep.equal([0.5, 0.5, 0.5]);
  });

  it('undoes the painting of spheres', () => {
    const space: Geometry = { shape: [40, 40, 40], affine: rasAffine([1, 1, 1], [-50, 3, 8]) };
    const points: (Vector3 | null)[] = [[-30, 20, 25], null, [-40.3, 30.2, 35.4]];
    const found = pointsOf(paintSpheres(points, space, 4), space, 3);
    expect(found[1]).to.equal(null);
    for (const n of [0, 2]) {
      found[n]!.forEach((mm, axis) => {
        expect(mm).to.be.closeTo(points[n]![axis]!, 0.2);
      });
    }
  });
});
