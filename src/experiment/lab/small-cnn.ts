/**
 * A network of two convolutions for pictures of 16 × 16, with its gradient, in plain loops: conv 3×3, ReLU, mean of 2×2, twice,
 * and a linear layer. A step of TF.js on so small a picture is nearly all overhead, and an engine for each of a thousand nodes
 * there cannot be; here a picture there and back takes a fraction of a millisecond, and gives the same bits in any thread.
 */
import type { Vector } from './task.ts';

/** Length of a picture's side. */
export const pictureSide = 16;

const firstChannels = 6;
const secondChannels = 12;
const half = pictureSide / 2;
const quarter = half / 2;
const denseInputs = quarter * quarter * secondChannels;

/** A convolution 3×3 with a border of zeros, ReLU and the mean of 2×2. */
interface Layer {
  readonly side: number;
  readonly inputs: number;
  readonly outputs: number;
  /** Where weights [output][input][3][3] and then biases begin. */
  readonly start: number;
}

const first: Layer = { side: pictureSide, inputs: 1, outputs: firstChannels, start: 0 };
const second: Layer = {
  side: half,
  inputs: firstChannels,
  outputs: secondChannels,
  start: firstChannels * 9 + firstChannels,
};
const denseStart = second.start + secondChannels * firstChannels * 9 + secondChannels;

/** Numbers of a network that tells so many classes apart. */
export function cnnLength(classes: number): number {
  return denseStart + classes * denseInputs + classes;
}

/** Standard deviations of first weights (He et al. 2015) and zeros for biases: `draw` is standard normal. */
export function initialCnn(classes: number, draw: () => number): Vector {
  const model = new Float64Array(cnnLength(classes));
  for (const { start, inputs, outputs } of [first, second]) {
    const deviation = Math.sqrt(2 / (9 * inputs));
    for (let k = 0; k < outputs * inputs * 9; k++) model[start + k] = deviation * draw();
  }
  const deviation = Math.sqrt(1 / denseInputs);
  for (let k = 0; k < classes * denseInputs; k++) model[denseStart + k] = deviation * draw();
  return model;
}

/** Runs pictures through a network, with room of its own for what is in between. */
export class SmallCnn {
  /** Probabilities of the last picture. */
  readonly shares: Float64Array;
  readonly #classes: number;
  /** Inputs of both convolutions with their borders, their outputs before the mean, and slopes of all. */
  readonly #padded: readonly [Float64Array, Float64Array];
  readonly #full: readonly [Float64Array, Float64Array];
  readonly #pooled: readonly [Float64Array, Float64Array];
  readonly #slopes: readonly [Float64Array, Float64Array];
  readonly #inputSlopes: Float64Array;

  constructor(classes: number) {
    this.#classes = classes;
    this.shares = new Float64Array(classes);
    const padded = ({ side, inputs }: Layer): Float64Array =>
      new Float64Array(inputs * (side + 2) ** 2);
    const full = ({ side, outputs }: Layer): Float64Array =>
      new Float64Array(outputs * side * side);
    const pooled = ({ side, outputs }: Layer): Float64Array =>
      new Float64Array((outputs * side * side) / 4);
    this.#padded = [padded(first), padded(second)];
    this.#full = [full(first), full(second)];
    this.#pooled = [pooled(first), pooled(second)];
    this.#slopes = [pooled(first), pooled(second)];
    this.#inputSlopes = padded(second);
  }

  /** Cross-entropy of a picture whose class is `label`. @param picture row by row */
  loss(model: Vector, picture: ArrayLike<number>, label: number): number {
    fillPadded(this.#padded[0], picture, first);
    convolve(model, first, this.#padded[0], this.#full[0]);
    pool(this.#full[0], first, this.#pooled[0]);
    fillPadded(this.#padded[1], this.#pooled[0], second);
    convolve(model, second, this.#padded[1], this.#full[1]);
    pool(this.#full[1], second, this.#pooled[1]);
    let highest = -Infinity;
    for (let c = 0; c < this.#classes; c++) {
      let sum = model[denseStart + this.#classes * denseInputs + c] as number;
      for (let k = 0; k < denseInputs; k++) {
        sum += (model[denseStart + c * denseInputs + k] as number) * (this.#pooled[1][k] as number);
      }
      this.shares[c] = sum;
      highest = Math.max(highest, sum);
    }
    const own = this.shares[label] as number;
    let total = 0;
    for (let c = 0; c < this.#classes; c++) {
      this.shares[c] = Math.exp((this.shares[c] as number) - highest);
      total += this.shares[c] as number;
    }
    for (let c = 0; c < this.#classes; c++) this.shares[c] = (this.shares[c] as number) / total;
    return highest + Math.log(total) - own;
  }

  /** Adds `weight` times the gradient of `loss` to `into`; gives the loss. */
  gradient(
    model: Vector,
    picture: ArrayLike<number>,
    label: number,
    { weight, into }: { readonly weight: number; readonly into: Vector },
  ): number {
    const loss = this.loss(model, picture, label);
    const [firstSlopes, secondSlopes] = this.#slopes;
    secondSlopes.fill(0);
    for (let c = 0; c < this.#classes; c++) {
      const slope = weight * ((this.shares[c] as number) - (c === label ? 1 : 0));
      const row = denseStart + c * denseInputs;
      const bias = denseStart + this.#classes * denseInputs + c;
      into[bias] = (into[bias] as number) + slope;
      for (let k = 0; k < denseInputs; k++) {
        into[row + k] = (into[row + k] as number) + slope * (this.#pooled[1][k] as number);
        secondSlopes[k] = (secondSlopes[k] as number) + slope * (model[row + k] as number);
      }
    }
    this.#inputSlopes.fill(0);
    const back = { slopes: secondSlopes, into, inputSlopes: this.#inputSlopes };
    convolveBack(model, second, { padded: this.#padded[1], full: this.#full[1] }, back);
    takeInner(firstSlopes, this.#inputSlopes, second);
    const last = { slopes: firstSlopes, into, inputSlopes: null };
    convolveBack(model, first, { padded: this.#padded[0], full: this.#full[0] }, last);
    return loss;
  }
}

function fillPadded(
  padded: Float64Array,
  values: ArrayLike<number>,
  { side, inputs }: Layer,
): void {
  for (let c = 0; c < inputs; c++) {
    for (let y = 0; y < side; y++) {
      const to = (c * (side + 2) + y + 1) * (side + 2) + 1;
      const from = (c * side + y) * side;
      for (let x = 0; x < side; x++) padded[to + x] = values[from + x] as number;
    }
  }
}

function takeInner(inner: Float64Array, padded: Float64Array, { side, inputs }: Layer): void {
  for (let c = 0; c < inputs; c++) {
    for (let y = 0; y < side; y++) {
      const from = (c * (side + 2) + y + 1) * (side + 2) + 1;
      for (let x = 0; x < side; x++) inner[(c * side + y) * side + x] = padded[from + x] as number;
    }
  }
}

function convolve(model: Vector, layer: Layer, padded: Float64Array, full: Float64Array): void {
  const { side, inputs, outputs, start } = layer;
  const wide = side + 2;
  for (let o = 0; o < outputs; o++) {
    const bias = model[start + outputs * inputs * 9 + o] as number;
    full.fill(bias, o * side * side, (o + 1) * side * side);
    for (let c = 0; c < inputs; c++) {
      for (let tap = 0; tap < 9; tap++) {
        const weight = model[start + (o * inputs + c) * 9 + tap] as number;
        const shift = (c * wide + Math.floor(tap / 3)) * wide + (tap % 3);
        for (let y = 0; y < side; y++) {
          const to = (o * side + y) * side;
          const from = shift + y * wide;
          for (let x = 0; x < side; x++) {
            full[to + x] = (full[to + x] as number) + weight * (padded[from + x] as number);
          }
        }
      }
    }
  }
  for (let k = 0; k < full.length; k++) full[k] = Math.max(0, full[k] as number);
}

function pool(full: Float64Array, { side, outputs }: Layer, pooled: Float64Array): void {
  const small = side / 2;
  for (let row = 0; row < outputs * small; row++) {
    for (let x = 0; x < small; x++) {
      const at = 2 * row * side + 2 * x;
      pooled[row * small + x] =
        ((full[at] as number) +
          (full[at + 1] as number) +
          (full[at + side] as number) +
          (full[at + side + 1] as number)) /
        4;
    }
  }
}

/** From slopes of the means to those of weights, and of the padded input unless nobody asks. */
function convolveBack(
  model: Vector,
  { side, inputs, outputs, start }: Layer,
  { padded, full }: { readonly padded: Float64Array; readonly full: Float64Array },
  {
    slopes,
    into,
    inputSlopes,
  }: {
    readonly slopes: Float64Array;
    readonly into: Vector;
    readonly inputSlopes: Float64Array | null;
  },
): void {
  const wide = side + 2;
  const small = side / 2;
  const own = new Float64Array(side * side);
  for (let o = 0; o < outputs; o++) {
    let sum = 0;
    for (let k = 0; k < own.length; k++) {
      const [y, x] = [Math.floor(k / side), k % side];
      const isOpen = (full[o * own.length + k] as number) > 0;
      const slope = slopes[(o * small + (y >> 1)) * small + (x >> 1)] as number;
      own[k] = isOpen ? slope / 4 : 0;
      sum += own[k] as number;
    }
    const bias = start + outputs * inputs * 9 + o;
    into[bias] = (into[bias] as number) + sum;
    for (let c = 0; c < inputs; c++) {
      for (let tap = 0; tap < 9; tap++) {
        const at = start + (o * inputs + c) * 9 + tap;
        const weight = model[at] as number;
        const shift = (c * wide + Math.floor(tap / 3)) * wide + (tap % 3);
        let slope = 0;
        for (let y = 0; y < side; y++) {
          const from = shift + y * wide;
          for (let x = 0; x < side; x++) {
            const part = own[y * side + x] as number;
            slope += part * (padded[from + x] as number);
            if (inputSlopes !== null) {
              inputSlopes[from + x] = (inputSlopes[from + x] as number) + part * weight;
            }
          }
        }
        into[at] = (into[at] as number) + slope;
      }
    }
  }
}
