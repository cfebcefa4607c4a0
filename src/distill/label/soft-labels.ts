/**
 * A teacher's soft label of a case, and how sure it is: the mean of several passes with test-time augmentation and Monte
 * Carlo dropout. Each pass beyond the first sees the image slightly rotated and scaled, with dropout active where the net has
 * it; its probabilities are transformed back.
 *
 * From probabilities p of the passes that saw a voxel: aleatoric = mean of p·(1 - p), epistemic = mean of p² minus the
 * square of the mean (Tölle et al. 2025 after Kwon et al. 2020), the largest over the classes.
 */
import { seededRandom } from '../../base/index.ts';
import type { Engine } from '../../compute/index.ts';
import type { SoftLabelMap } from '../../data/index.ts';
import type { ChannelVolume, Triple } from '../../models/index.ts';
import { predictLogits, type InferenceSettings, type Network } from '../predict/inference.ts';
import { transformedInput } from '../model-input.ts';
import { drawTransform, inverse3, transformed } from '../spatial-transform.ts';

/** How teachers are asked, and what the student makes of their answers. */
export interface DistillationSettings {
  /** Passes over each image, 1 to 64: one is the plain prediction. */
  readonly passes: number;
  /** Greatest rotation of a further pass about each axis, degrees, 0 to 30. */
  readonly rotationDegMax: number;
  /** Greatest change of size in a further pass, share of 1, 0 to 0.3. */
  readonly scaleShareMax: number;
  /** `hard`: the likeliest label, as the paper. `soft`: the probabilities. */
  readonly targets: string;
  /** Logits are divided by this before they become probabilities, 0.25 to 10; above 1 softens. */
  readonly temperature: number;
  /** Voxels whose likeliest label is less likely than this teach nothing, 0 to 1. */
  readonly confidenceMin: number;
  /** Whether a voxel teaches less, the less sure the teachers are of it. */
  readonly weightByUncertainty: boolean;
}

/** As the paper: one pass, hard labels, all alike. */
export const distillationDefaults: DistillationSettings = Object.freeze({
  passes: 1,
  rotationDegMax: 5,
  scaleShareMax: 0.05,
  targets: 'hard',
  temperature: 1,
  confidenceMin: 0,
  weightByUncertainty: false,
});

/** Whether more than the likeliest label of one pass is asked for. */
export function wantsSoftLabels(settings: DistillationSettings): boolean {
  const { passes, targets, confidenceMin, weightByUncertainty } = settings;
  return passes > 1 || targets === 'soft' || confidenceMin > 0 || weightByUncertainty;
}

/** A variance of a value in [0, 1] is at most this. */
const varianceMax = 0.25;

/** Mean probabilities and uncertainties of every head, by voxel. */
export interface Uncertain {
  /** Means over the passes, `[voxel][class]`. */
  readonly mean: ChannelVolume;
  /** `[voxel]`. */
  readonly aleatoric: Float32Array;
  readonly epistemic: Float32Array;
}

/**
 * The passes over one input as of `modelInput`.
 *
 * @param seed fixes transforms and dropout masks: the case's own name, so that a repeated labelling says the same
 */
export async function predictUncertain(
  engine: Engine,
  network: Network,
  input: ChannelVolume,
  inference: InferenceSettings,
  settings: DistillationSettings,
  seed: string,
): Promise<Map<string, Uncertain>> {
  const random = seededRandom(seed);
  const sums = new Map<string, PassSums>();
  const { data, shape, channels } = input;
  let darkest = Infinity;
  for (let at = 0; at < data.length; at += channels) {
    darkest = Math.min(darkest, data[at] as number);
  }
  for (let pass = 0; pass < settings.passes; pass++) {
    const matrix = pass === 0 ? null : drawTransform(random, settings);
    const seen = matrix === null ? input : transformedInput(input, matrix, darkest);
    const dropoutSeed = pass === 0 ? undefined : random.uint32() % 2 ** 30;
    const heads = await predictLogits(engine, network, seen, {
      ...inference,
      ...(dropoutSeed === undefined ? {} : { dropoutSeed }),
    });
    for (const [head, logits] of heads) {
      toProbabilities(logits, settings.temperature);
      // Outside of what this pass saw nothing is said: NaN there.
      const back = matrix === null ? logits : transformed(logits, inverse3(matrix), NaN);
      const known = sums.get(head) ?? new PassSums(shape, logits.channels);
      sums.set(head, known);
      known.add(back.data);
    }
  }
  return new Map([...sums].map(([head, passes]) => [head, passes.end()]));
}

/** Softmax of logits over a temperature, in place. */
function toProbabilities({ data, channels }: ChannelVolume, temperature: number): void {
  for (let at = 0; at < data.length; at += channels) {
    let top = -Infinity;
    for (let c = 0; c < channels; c++) top = Math.max(top, data[at + c] as number);
    let sum = 0;
    for (let c = 0; c < channels; c++) {
      const e = Math.exp(((data[at + c] as number) - top) / temperature);
      data[at + c] = e;
      sum += e;
    }
    for (let c = 0; c < channels; c++) data[at + c] = (data[at + c] as number) / sum;
  }
}

/** Sums over passes of p and p². */
class PassSums {
  readonly #shape: Triple;
  readonly #channels: number;
  readonly #sums: Float64Array;
  readonly #squares: Float64Array;
  readonly #counts: Uint8Array;

  constructor(shape: Triple, channels: number) {
    const voxels = shape[0] * shape[1] * shape[2];
    this.#shape = shape;
    this.#channels = channels;
    this.#sums = new Float64Array(voxels * channels);
    this.#squares = new Float64Array(voxels * channels);
    this.#counts = new Uint8Array(voxels);
  }

  add(p: Float32Array): void {
    const channels = this.#channels;
    for (let voxel = 0, at = 0; voxel < this.#counts.length; voxel++, at += channels) {
      if (Number.isNaN(p[at])) continue;
      this.#counts[voxel] = (this.#counts[voxel] as number) + 1;
      for (let c = 0; c < channels; c++) {
        const value = p[at + c] as number;
        this.#sums[at + c] = (this.#sums[at + c] as number) + value;
        this.#squares[at + c] = (this.#squares[at + c] as number) + value * value;
      }
    }
  }

  end(): Uncertain {
    const channels = this.#channels;
    const mean = new Float32Array(this.#sums.length);
    const aleatoric = new Float32Array(this.#counts.length);
    const epistemic = new Float32Array(this.#counts.length);
    for (let voxel = 0, at = 0; voxel < this.#counts.length; voxel++, at += channels) {
      const count = this.#counts[voxel] as number; // the first pass sees every voxel
      for (let c = 0; c < channels; c++) {
        const first = (this.#sums[at + c] as number) / count;
        const second = (this.#squares[at + c] as number) / count;
        mean[at + c] = first;
        aleatoric[voxel] = Math.max(aleatoric[voxel] as number, first - second);
        epistemic[voxel] = Math.max(epistemic[voxel] as number, second - first * first);
      }
    }
    const volume = { data: mean, shape: this.#shape, channels };
    return { mean: volume, aleatoric, epistemic };
  }
}

/** A soft label as it is kept on the disk. */
export function softLabelOf({ mean, aleatoric, epistemic }: Uncertain): SoftLabelMap {
  const bytes = (values: Float32Array, top: number): Uint8Array =>
    Uint8Array.from(values, (value) => Math.round(Math.min(1, Math.max(0, value / top)) * 255));
  return {
    probabilities: bytes(mean.data, 1),
    aleatoric: bytes(aleatoric, varianceMax),
    epistemic: bytes(epistemic, varianceMax),
  };
}

/** What each voxel of a soft label is worth to the student, 0 to 255; null when all are alike. */
export function voxelWeights(
  { probabilities, aleatoric, epistemic }: SoftLabelMap,
  { confidenceMin, weightByUncertainty }: DistillationSettings,
): Uint8Array | null {
  if (confidenceMin === 0 && !weightByUncertainty) return null;
  const voxels = aleatoric.length;
  const channels = probabilities.length / voxels;
  const weights = new Uint8Array(voxels).fill(255);
  for (let voxel = 0, at = 0; voxel < voxels; voxel++, at += channels) {
    let top = 0;
    for (let c = 0; c < channels; c++) top = Math.max(top, probabilities[at + c] as number);
    if (top < confidenceMin * 255) weights[voxel] = 0;
    else if (weightByUncertainty) {
      // Both uncertainties together are the variance of a coin with the mean probability: 1/4 at most.
      const unsure = (aleatoric[voxel] as number) + (epistemic[voxel] as number);
      weights[voxel] = 255 - Math.min(255, unsure);
    }
  }
  return weights;
}
