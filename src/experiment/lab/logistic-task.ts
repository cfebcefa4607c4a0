/**
 * Logistic regression of several classes with made samples: F(W) = mean of -log softmax(W·x)[label] + λ/2 ‖W‖², strictly
 * convex, so that its best model is known: Newton's method finds it to a gradient of 1e-12.
 *
 * The function of a node is its share of that sum times the number of nodes, so that the mean over the nodes is F whatever
 * the partition.
 */
import { invariant, type Random } from '../../base/index.ts';
import { partitionSamples, permutation } from './partition.ts';
import { chanceOf, type GradientTask, type Vector } from './task.ts';
import type { LabSettings } from './settings.ts';

const scannerCount = 4;
const testSamples = 512;
const newtonStepsMax = 100;
const gradientMax = 1e-12;

/** Samples, one row after the other, with a 1 at the end of each row for the bias. */
interface Samples {
  readonly rows: Float64Array;
  readonly labels: Int32Array;
}

/** Samples, their partition and the best model, from the seed. */
export function logisticTask(settings: LabSettings): LogisticTask {
  const { seed, nodes, task, partition } = settings;
  const centres = Float64Array.from({ length: task.classes * task.features }, () => 0);
  const chance = chanceOf(seed, 'classes');
  for (let at = 0; at < centres.length; at++) centres[at] = chance.normal();
  const train = drawSamples(task.samples, centres, task, chanceOf(seed, 'samples'));
  const test = drawSamples(testSamples, centres, task, chanceOf(seed, 'test'));
  const own = partitionSamples(partition, train.labels, nodes, chanceOf(seed, 'partition'));
  if (partition.kind === 'scanner') shiftByScanner(train, own, settings);
  return new LogisticTask(settings, train, test, own);
}

/** See the file header. */
export class LogisticTask implements GradientTask {
  readonly dimension: number;
  readonly samples: Int32Array;
  /** The best model, to a gradient of 1e-12. */
  readonly optimum: Vector;
  readonly #classes: number;
  readonly #width: number;
  readonly #train: Samples;
  readonly #test: Samples;
  readonly #own: readonly Int32Array[];
  readonly #all: Int32Array;
  readonly #regularisation: number;
  readonly #batch: number;
  readonly #least: number;
  readonly #scores: Float64Array;

  /** @param own samples of each node, by index */
  constructor(
    { task, training }: Pick<LabSettings, 'task' | 'training'>,
    train: Samples,
    test: Samples,
    own: readonly Int32Array[],
  ) {
    this.#classes = task.classes;
    this.#width = task.features + 1;
    this.dimension = this.#classes * this.#width;
    this.samples = Int32Array.from(own, ({ length }) => length);
    this.#train = train;
    this.#test = test;
    this.#own = own;
    this.#all = Int32Array.from({ length: train.labels.length }, (_, at) => at);
    this.#regularisation = task.regularisation;
    this.#batch = training.batch;
    this.#scores = new Float64Array(this.#classes);
    this.optimum = this.#newton();
    this.#least = this.#loss(this.optimum, this.#all, 1 / this.#all.length, 1);
  }

  start(_node: number, model: Vector): void {
    model.fill(0);
  }

  gradient(node: number, model: Vector, chance: Random, into: Vector): void {
    const own = this.#own[node] as Int32Array;
    const share = (own.length * this.#own.length) / this.#all.length;
    const batch =
      this.#batch === 0 || this.#batch >= own.length ? own : drawBatch(own, this.#batch, chance);
    this.#addGradient(model, batch, share / batch.length, into);
    const pull = this.#regularisation;
    for (let k = 0; k < this.dimension; k++)
      into[k] = (into[k] as number) + pull * (model[k] as number);
  }

  localLoss(node: number, model: Vector): number {
    const own = this.#own[node] as Int32Array;
    return this.#loss(model, own, 1 / own.length, 1);
  }

  error(model: Vector): number {
    return this.#loss(model, this.#all, 1 / this.#all.length, 1) - this.#least;
  }

  testError(model: Vector): number {
    const { rows, labels } = this.#test;
    let wrong = 0;
    for (let sample = 0; sample < labels.length; sample++) {
      this.#score(model, rows, sample);
      let best = 0;
      for (let c = 1; c < this.#classes; c++) {
        if ((this.#scores[c] as number) > (this.#scores[best] as number)) best = c;
      }
      if (best !== labels[sample]) wrong++;
    }
    return wrong / labels.length;
  }

  #score(model: Vector, rows: Float64Array, sample: number): void {
    const width = this.#width;
    const offset = sample * width;
    for (let c = 0; c < this.#classes; c++) {
      let sum = 0;
      for (let k = 0; k < width; k++) {
        sum += (model[c * width + k] as number) * (rows[offset + k] as number);
      }
      this.#scores[c] = sum;
    }
  }

  /** Turns scores into probabilities; gives the logarithm of their sum before. */
  #softmax(): number {
    const scores = this.#scores;
    let highest = -Infinity;
    for (const score of scores) highest = Math.max(highest, score);
    let sum = 0;
    for (let c = 0; c < scores.length; c++) {
      scores[c] = Math.exp((scores[c] as number) - highest);
      sum += scores[c] as number;
    }
    for (let c = 0; c < scores.length; c++) scores[c] = (scores[c] as number) / sum;
    return highest + Math.log(sum);
  }

  #loss(model: Vector, indices: Int32Array, weight: number, pull: number): number {
    const { rows, labels } = this.#train;
    let sum = 0;
    for (const sample of indices) {
      this.#score(model, rows, sample);
      const own = this.#scores[labels[sample] as number] as number;
      sum += this.#softmax() - own;
    }
    let norm = 0;
    for (const value of model) norm += value * value;
    return weight * sum + (pull * this.#regularisation * norm) / 2;
  }

  #addGradient(model: Vector, indices: Int32Array, weight: number, into: Vector): void {
    const { rows, labels } = this.#train;
    const width = this.#width;
    for (const sample of indices) {
      this.#score(model, rows, sample);
      this.#softmax();
      for (let c = 0; c < this.#classes; c++) {
        const hit = c === labels[sample] ? 1 : 0;
        const factor = weight * ((this.#scores[c] as number) - hit);
        for (let k = 0; k < width; k++) {
          const at = c * width + k;
          into[at] = (into[at] as number) + factor * (rows[sample * width + k] as number);
        }
      }
    }
  }

  #newton(): Vector {
    const model = new Float64Array(this.dimension);
    for (let step = 0; step < newtonStepsMax; step++) {
      const gradient = model.map((value) => this.#regularisation * value);
      this.#addGradient(model, this.#all, 1 / this.#all.length, gradient);
      if (Math.max(...gradient.map(Math.abs)) < gradientMax) return model;
      const move = solve(this.#hessian(model), gradient);
      // Half the step until it helps: far away Newton's step may be too long.
      const before = this.#loss(model, this.#all, 1 / this.#all.length, 1);
      for (let length = 1; length > 1e-6; length /= 2) {
        const next = model.map((value, k) => value - length * (move[k] as number));
        const isBetter = this.#loss(next, this.#all, 1 / this.#all.length, 1) <= before + 1e-15;
        if (!isBetter && length > 2e-6) continue;
        model.set(next);
        break;
      }
    }
    invariant(false, 'Newton finds the least of a strictly convex function');
  }

  #hessian(model: Vector): Float64Array {
    const { rows, labels } = this.#train;
    const [size, width] = [this.dimension, this.#width];
    const hessian = new Float64Array(size * size);
    for (let sample = 0; sample < labels.length; sample++) {
      this.#score(model, rows, sample);
      this.#softmax();
      for (let c = 0; c < this.#classes; c++) {
        for (let e = 0; e <= c; e++) {
          const p = this.#scores[c] as number;
          const factor = (p * ((c === e ? 1 : 0) - (this.#scores[e] as number))) / labels.length;
          for (let k = 0; k < width; k++) {
            const row = (c * width + k) * size + e * width;
            const left = factor * (rows[sample * width + k] as number);
            for (let l = 0; l < width; l++) {
              hessian[row + l] =
                (hessian[row + l] as number) + left * (rows[sample * width + l] as number);
            }
          }
        }
      }
    }
    for (let k = 0; k < size; k++) {
      hessian[k * size + k] = (hessian[k * size + k] as number) + this.#regularisation;
    }
    return hessian;
  }
}

/** Solves H·x = g for a symmetric positive definite H, of which the lower half is read, by Cholesky; H is used up. */
export function solve(matrix: Float64Array, right: Float64Array): Float64Array {
  const size = right.length;
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i * size + j] as number;
      for (let k = 0; k < j; k++) {
        sum -= (matrix[i * size + k] as number) * (matrix[j * size + k] as number);
      }
      matrix[i * size + j] = i === j ? Math.sqrt(sum) : sum / (matrix[j * size + j] as number);
    }
  }
  const x = Float64Array.from(right);
  for (let i = 0; i < size; i++) {
    let sum = x[i] as number;
    for (let k = 0; k < i; k++) sum -= (matrix[i * size + k] as number) * (x[k] as number);
    x[i] = sum / (matrix[i * size + i] as number);
  }
  for (let i = size - 1; i >= 0; i--) {
    let sum = x[i] as number;
    for (let k = i + 1; k < size; k++) sum -= (matrix[k * size + i] as number) * (x[k] as number);
    x[i] = sum / (matrix[i * size + i] as number);
  }
  return x;
}

function drawSamples(
  count: number,
  centres: Float64Array,
  { classes, features }: LabSettings['task'],
  chance: Random,
): Samples {
  const width = features + 1;
  const rows = new Float64Array(count * width);
  const labels = new Int32Array(count);
  for (let sample = 0; sample < count; sample++) {
    const label = sample % classes;
    labels[sample] = label;
    for (let k = 0; k < features; k++) {
      rows[sample * width + k] = (centres[label * features + k] as number) + chance.normal();
    }
    rows[sample * width + features] = 1;
  }
  return { rows, labels };
}

/** Four makes of scanner, each of which shifts all numbers in its own way; nodes have one each. */
function shiftByScanner(
  { rows }: Samples,
  own: readonly Int32Array[],
  settings: LabSettings,
): void {
  const { features } = settings.task;
  own.forEach((indices, node) => {
    const shift = shiftOfScanner(settings, node, features);
    for (const sample of indices) {
      for (let k = 0; k < features; k++) {
        const at = sample * (features + 1) + k;
        rows[at] = (rows[at] as number) + (shift[k] as number);
      }
    }
  });
}

/** What the scanner of a node adds to each of so many numbers. */
export function shiftOfScanner(
  { seed, partition }: LabSettings,
  node: number,
  count: number,
): Float64Array {
  const chance = chanceOf(seed, 'scanner', node % scannerCount);
  return Float64Array.from({ length: count }, () => partition.spread * chance.normal());
}

/** So many of a node's samples, each once while there are few enough to be shuffled. */
export function drawBatch(own: Int32Array, count: number, chance: Random): Int32Array {
  if (count * 4 >= own.length) {
    return permutation(own.length, chance)
      .slice(0, count)
      .map((at) => own[at] as number);
  }
  return Int32Array.from({ length: count }, () => own[chance.integer(own.length)] as number);
}
