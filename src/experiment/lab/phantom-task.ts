/**
 * Slices of phantoms: how high above or below the aortic valve is this slice? Four answers, from a picture of 16 × 16 alone. The
 * best network is not known, so that the error is the loss itself, over the slices of all nodes.
 */
import type { Random } from '../../base/index.ts';
import { makePhantom, phantomDefaults } from '../../data/index.ts';
import { drawBatch, shiftOfScanner } from './logistic-task.ts';
import { partitionSamples } from './partition.ts';
import type { LabSettings } from './settings.ts';
import { cnnLength, initialCnn, pictureSide, SmallCnn } from './small-cnn.ts';
import { chanceOf, type GradientTask, type Vector } from './task.ts';

const slicesPerPhantom = 24;
const spacingMm = 6;
const testPhantoms = 6;
const levelCount = 4;
/** Ends of the answers, mm above the middle of the three hinge points. */
const levelEndsMm = [-24, 0, 24];
/** Intensities are standardised as the paper does. */
const meanHu = -439.6;
const deviationHu = 521;
const pixels = pictureSide * pictureSide;

interface Slices {
  readonly pictures: Float32Array;
  readonly labels: Int32Array;
}

/** Phantoms and their partition, from the seed: as many whole phantoms as `task.samples` slices need. */
export function phantomTask(settings: LabSettings): GradientTask {
  const { seed, nodes, task, partition } = settings;
  const train = makeSlices(task.samples, (index) => chanceOf(seed, 'phantom', index));
  const test = makeSlices(testPhantoms * slicesPerPhantom, (index) =>
    chanceOf(seed, 'test', index),
  );
  const own = partitionSamples(partition, train.labels, nodes, chanceOf(seed, 'partition'));
  if (partition.kind === 'scanner') {
    own.forEach((indices, node) => {
      // One number for a whole scanner: its pictures are brighter or darker.
      const [shift] = shiftOfScanner(settings, node, 1);
      for (const sample of indices) {
        for (let k = 0; k < pixels; k++) {
          const at = sample * pixels + k;
          train.pictures[at] = (train.pictures[at] as number) + (shift as number);
        }
      }
    });
  }
  return new PhantomTask(settings, train, test, own);
}

class PhantomTask implements GradientTask {
  readonly dimension = cnnLength(levelCount);
  readonly samples: Int32Array;
  readonly #settings: LabSettings;
  readonly #train: Slices;
  readonly #test: Slices;
  readonly #own: readonly Int32Array[];
  readonly #all: Int32Array;
  readonly #start: Vector;
  readonly #network = new SmallCnn(levelCount);

  constructor(settings: LabSettings, train: Slices, test: Slices, own: readonly Int32Array[]) {
    const chance = chanceOf(settings.seed, 'network');
    this.samples = Int32Array.from(own, ({ length }) => length);
    this.#settings = settings;
    this.#train = train;
    this.#test = test;
    this.#own = own;
    this.#all = Int32Array.from({ length: train.labels.length }, (_, at) => at);
    this.#start = initialCnn(levelCount, () => chance.normal());
  }

  start(_node: number, model: Vector): void {
    model.set(this.#start);
  }

  gradient(node: number, model: Vector, chance: Random, into: Vector): void {
    const own = this.#own[node] as Int32Array;
    const { batch } = this.#settings.training;
    const drawn = batch === 0 || batch >= own.length ? own : drawBatch(own, batch, chance);
    // The mean over the nodes is the mean over the slices, whoever holds how many.
    const weight = (own.length * this.#own.length) / this.#all.length / drawn.length;
    for (const sample of drawn) {
      const label = this.#train.labels[sample] as number;
      this.#network.gradient(model, pictureOf(this.#train, sample), label, { weight, into });
    }
  }

  localLoss(node: number, model: Vector): number {
    return this.#loss(model, this.#own[node] as Int32Array);
  }

  error(model: Vector): number {
    return this.#loss(model, this.#all);
  }

  testError(model: Vector): number {
    const { labels } = this.#test;
    let wrong = 0;
    labels.forEach((label, sample) => {
      this.#network.loss(model, pictureOf(this.#test, sample), label);
      const { shares } = this.#network;
      if (shares.some((share) => share > (shares[label] as number))) wrong++;
    });
    return wrong / labels.length;
  }

  #loss(model: Vector, indices: Int32Array): number {
    let sum = 0;
    for (const sample of indices) {
      const label = this.#train.labels[sample] as number;
      sum += this.#network.loss(model, pictureOf(this.#train, sample), label);
    }
    return sum / indices.length;
  }
}

function pictureOf({ pictures }: Slices, sample: number): Float32Array {
  return pictures.subarray(sample * pixels, (sample + 1) * pixels);
}

function makeSlices(count: number, chanceOfPhantom: (index: number) => Random): Slices {
  const pictures = new Float32Array(count * pixels);
  const labels = new Int32Array(count);
  const settings = {
    ...phantomDefaults,
    shape: [slicesPerPhantom, pictureSide, pictureSide],
    spacingMm: [spacingMm, spacingMm, spacingMm],
  } as const;
  for (let index = 0; index * slicesPerPhantom < count; index++) {
    const { image, truth } = makePhantom(chanceOfPhantom(index), settings);
    const { RCC, LCC, NCC } = truth.points;
    const valveMm = (RCC[2] + LCC[2] + NCC[2]) / 3;
    for (let slice = 0; slice < slicesPerPhantom; slice++) {
      const sample = index * slicesPerPhantom + slice;
      if (sample >= count) break;
      const heightMm =
        (image.affine[10] as number) * slice + (image.affine[11] as number) - valveMm;
      labels[sample] = levelEndsMm.filter((end) => heightMm >= end).length;
      for (let k = 0; k < pixels; k++) {
        const hu = image.data[slice * pixels + k] as number;
        pictures[sample * pixels + k] = (hu - meanHu) / deviationHu;
      }
    }
  }
  return { pictures, labels };
}
