/** A hospital's optimiser: one step on the parameters that have a gradient, and what it remembers of each. */
import { invariant } from '../../base/index.ts';
import type { Engine, Tensor, Variable } from '../../compute/index.ts';
import type { OptimiserKind, OptimiserSettings } from '../settings.ts';

/** What is remembered of a parameter that was trained. */
export interface ParameterMemory {
  readonly name: string;
  /** Steps that moved it: a head without labels does not age. */
  readonly steps: number;
  /** AdamW's first and second moment, or the velocity of gradient descent. */
  readonly buffers: readonly Float32Array[];
}

/** The memory of a hospital, kept between rounds; never sent. Parameters that were never trained are absent. */
export type OptimiserState = readonly ParameterMemory[];

/** A parameter and the gradient of this step. */
export interface GradientOf {
  readonly name: string;
  readonly variable: Variable;
  readonly gradient: Tensor;
}

interface Held {
  steps: number;
  readonly buffers: readonly Variable[];
}

interface Moved {
  readonly variable: Variable;
  readonly gradient: Tensor;
  readonly held: Held;
}

/** Buffers of each kind, in the order of `ParameterMemory.buffers`. */
const bufferCount: Readonly<Record<OptimiserKind, number>> = { adamw: 2, sgd: 1 };

/** Holds tensors: call `dispose`. */
export class Optimiser {
  readonly #engine: Engine;
  readonly #held = new Map<string, Held>();
  /** Parameters as they were before this optimiser's first step on them: the round's start. */
  readonly #starts = new Map<string, Tensor>();

  /** @param state what an earlier round of the stage left, or null to begin with zeros. */
  constructor(engine: Engine, state: OptimiserState | null) {
    this.#engine = engine;
    for (const { name, steps, buffers } of state ?? []) {
      this.#held.set(name, { steps, buffers: buffers.map((data) => this.#variable(data)) });
    }
  }

  /** One step in place: gradients are pulled to the round's start, clipped together, then applied. */
  step(all: readonly GradientOf[], settings: OptimiserSettings): void {
    const { tf } = this.#engine;
    tf.tidy(() => {
      const pulled = all.map((one) => this.#pulled(one, settings.proxMu));
      const gradients = clipped(tf, pulled, settings.clipNorm);
      const moved = all.map(({ name, variable }, i) => {
        const held = this.#heldOf(name, variable, settings.kind);
        return { variable, gradient: gradients[i] as Tensor, held };
      });
      // AdamW corrects its moments by the steps they have seen: those of a head that was away are fewer.
      const byAge = new Map(moved.map(({ held }) => [held.steps, [] as Moved[]]));
      for (const one of moved) byAge.get(one.held.steps)?.push(one);
      for (const [steps, alike] of byAge) this.#apply(alike, settings, steps + 1);
    });
  }

  #apply(moved: readonly Moved[], settings: OptimiserSettings, step: number): void {
    const { ops } = this.#engine;
    const parameters = moved.map(({ variable }) => variable);
    const gradients = moved.map(({ gradient }) => gradient);
    const buffers = (at: number): Variable[] =>
      moved.map(({ held }) => held.buffers[at] as Variable);
    if (settings.kind === 'sgd') ops.sgd(parameters, gradients, buffers(0), settings);
    else ops.adamW(parameters, gradients, buffers(0), buffers(1), { ...settings, step });
    for (const { held } of moved) held.steps = step;
  }

  /** FedProx (Li et al. 2020): the gradient of μ/2 · ‖w - w_round‖² added. */
  #pulled({ name, variable, gradient }: GradientOf, mu: number): Tensor {
    if (mu === 0) return gradient;
    const { tf } = this.#engine;
    const known = this.#starts.get(name);
    // At a parameter's first step it still lies where the round began.
    if (known === undefined) {
      this.#starts.set(name, tf.keep(tf.clone<Tensor>(variable)));
      return gradient;
    }
    return tf.add(gradient, tf.mul(tf.sub(variable, known), mu));
  }

  #heldOf(name: string, variable: Variable, kind: OptimiserKind): Held {
    const count = bufferCount[kind];
    const known = this.#held.get(name);
    if (known !== undefined) {
      const fits = known.buffers.length === count && known.buffers.every(hasSizeOf(variable));
      invariant(fits, 'a stage keeps its model and its optimiser');
      return known;
    }
    const zeros = (): Variable => this.#variable(new Float32Array(variable.size), variable.shape);
    const fresh = { steps: 0, buffers: Array.from({ length: count }, zeros) };
    this.#held.set(name, fresh);
    return fresh;
  }

  #variable(data: Float32Array, shape: readonly number[] = [data.length]): Variable {
    const { tf } = this.#engine;
    return tf.tidy(() => tf.variable(tf.tensor(data, [...shape], 'float32')));
  }

  /** A copy, by name. */
  async state(): Promise<OptimiserState> {
    const names = [...this.#held.keys()].sort();
    return Promise.all(
      names.map(async (name) => {
        const { steps, buffers } = this.#held.get(name) as Held;
        const copies = buffers.map(async (buffer) => (await buffer.data<'float32'>()).slice());
        return { name, steps, buffers: await Promise.all(copies) };
      }),
    );
  }

  dispose(): void {
    for (const { buffers } of this.#held.values()) this.#engine.tf.dispose([...buffers]);
    this.#engine.tf.dispose([...this.#starts.values()]);
    this.#held.clear();
    this.#starts.clear();
  }
}

function hasSizeOf(variable: Variable): (buffer: Variable) => boolean {
  return ({ size }) => size === variable.size;
}

/** Gradients shrunk together to a joint Euclidean norm of at most `normMax`, as PyTorch's `clip_grad_norm_`; 0 for none. */
function clipped(tf: Engine['tf'], gradients: readonly Tensor[], normMax: number): Tensor[] {
  if (normMax === 0 || gradients.length === 0) return [...gradients];
  // By rows first: one running sum of a million float32 would lose three digits.
  const squares = gradients.map((gradient) => {
    const rows = tf.reshape(gradient, [gradient.shape.at(0) ?? 1, -1]);
    return tf.sum(tf.sum(tf.square(rows), 1));
  });
  const norm = tf.sqrt(tf.sum(tf.stack(squares)));
  const factor = tf.minimum(1, tf.div(normMax, tf.add(norm, 1e-6)));
  return gradients.map((gradient) => tf.mul(gradient, factor));
}
