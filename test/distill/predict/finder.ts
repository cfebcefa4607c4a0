/** A student that finds what is bright, and a CT with one bright thing in it: where it is found shows the geometry alone. */
import { voxelToWorld, type Vector3, type Volume } from '../../../src/data/index.ts';
import { intensityDefaults, type StudentPackage } from '../../../src/distill/index.ts';
import { parameterList, type UNetSpec } from '../../../src/models/index.ts';
import { modelDigest } from '../../../src/weights/index.ts';

const spec: UNetSpec = {
  kind: 'unet',
  inChannels: 1,
  features: [1, 1],
  strides: [1, 2],
  convsPerStage: 1,
  heads: { calc: 2, hps: 6 },
  deepSupervision: false,
  dropoutMilli: 0,
};

/**
 * A net made by hand: it takes a voxel that is brighter than its window by a deviation for the RCA and for calcium.
 * The middle tap of each convolution hands the image on through both instance norms; all else is zero.
 */
export function finder(spacingMm: Vector3, window: Vector3): StudentPackage {
  const set: Readonly<Record<string, Readonly<Record<number, number>>>> = {
    'encoder.stages.0.0.convs.0.conv.weight': { 13: 1 },
    'encoder.stages.0.0.convs.0.norm.weight': { 0: 1 },
    // Of [out 1, in 2, 3, 3, 3] the second input, which came round the deep stage.
    'decoder.stages.0.convs.0.conv.weight': { 40: 1 },
    'decoder.stages.0.convs.0.norm.weight': { 0: 1 },
    'decoder.heads.calc.seg_layers.0.weight': { 1: 20 },
    'decoder.heads.calc.seg_layers.0.bias': { 1: -20 },
    'decoder.heads.hps.seg_layers.0.weight': { 4: 20 },
    'decoder.heads.hps.seg_layers.0.bias': { 4: -20 },
  };
  const weights = parameterList(spec).map(({ name, shape }) => {
    const values = new Float32Array(shape.reduce((product, n) => product * n, 1));
    for (const [at, value] of Object.entries(set[name] ?? {})) values[Number(at)] = value;
    return { name, shape, data: values };
  });
  const digest = modelDigest(weights);
  return { spec, weights, intensity: intensityDefaults, spacingMm, window, digest };
}

/** The CT's grid, empty but for a bright ball of `radiusMm` around `centre` (RAS mm). */
export function withBall(ct: Volume, centre: Vector3, radiusMm: number): Volume {
  const [depth, height, width] = ct.shape;
  const values = new Float32Array(ct.data.length);
  let at = 0;
  for (let k = 0; k < depth; k++) {
    for (let j = 0; j < height; j++) {
      for (let i = 0; i < width; i++, at++) {
        const [x, y, z] = voxelToWorld(ct.affine, [i, j, k]);
        const away = Math.hypot(x - centre[0], y - centre[1], z - centre[2]);
        values[at] = away <= radiusMm ? 800 : 0;
      }
    }
  }
  return { ...ct, data: values };
}
