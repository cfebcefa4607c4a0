/**
 * Learning whose outcome is known by arithmetic. Hospital k wants the model at its own optimum c_k and has n_k samples; its
 * loss is |x - c_k|² / 2. A round of training goes a fixed share η of the way:
 *
 *   x_k = x + η (c_k - x),   so the average of a round is   x' = x + η (c - x),   c = Σ n_k c_k / Σ n_k
 *
 * over those in the cut. With the same hospitals in every round, x after R rounds is c + (1-η)^R (x_0 - c).
 */
import { utf8, type Clock, type NodeId, type Store } from '../base/index.ts';
import { digestOf } from '../crypto/index.ts';
import type { Trainer, TrainingJob, TrainingResult } from '../peer/index.ts';
import { readModel, writeModel, type ModelWeights } from '../weights/index.ts';

/** What one hospital learns from. */
export interface Quadratic {
  /** Where its loss is 0. Each coordinate within ±1: a larger step would be clamped. */
  readonly optimum: readonly number[];
  /** What its update weighs, from 1 to the plan's `samplesCap`. */
  readonly samples: number;
}

/** How a hospital trains. */
export interface QuadraticTraining extends Quadratic {
  /** η, 0 to 1. */
  readonly share: number;
  /** Time that a round of training takes, ms; asked for in each round. Infinity never ends. */
  readonly durationMs: () => number;
}

/** The optimum of all these hospitals together: the mean of theirs, weighted by samples. */
export function optimumOf(hospitals: readonly Quadratic[]): number[] {
  const total = hospitals.reduce((sum, { samples }) => sum + samples, 0);
  const [first] = hospitals;
  return (first?.optimum ?? []).map(
    (_, at) =>
      hospitals.reduce((sum, { optimum, samples }) => sum + samples * (optimum[at] ?? 0), 0) /
      total,
  );
}

/** The model after rounds in which these took part, from 0, by the formula above. */
export function modelAfter(
  rounds: readonly (readonly Quadratic[])[],
  share: number,
  size: number,
): number[] {
  return rounds.reduce<number[]>((x, hospitals) => {
    const goal = optimumOf(hospitals);
    return x.map((value, at) => value + share * ((goal[at] ?? 0) - value));
  }, new Array<number>(size).fill(0));
}

/** x_k - x: what a hospital learns in a round that begins at `start`. */
export function changeOf(
  quadratic: Quadratic | undefined,
  start: Float32Array,
  share: number,
): Float32Array {
  return start.map((x, at) => share * ((quadratic?.optimum[at] ?? 0) - x));
}

/** The trainer of one hospital. The model is one tensor `w`, as large as the optimum, and begins at 0. */
export function quadraticTrainer(
  id: NodeId,
  clock: Clock,
  store: Store,
  training: QuadraticTraining,
): Trainer {
  const { optimum, samples, share, durationMs } = training;
  const layout = [{ name: 'w', shape: [optimum.length] }] as const;
  const lossOf = (weights: ModelWeights): number => {
    const data = weights[0]?.data ?? [];
    return optimum.reduce((sum, c, at) => sum + ((data[at] ?? 0) - c) ** 2, 0) / 2;
  };
  return {
    async initialModel(_stage, into) {
      const weights = [{ ...layout[0], data: new Float32Array(optimum.length) }];
      return { ...(await writeModel(store, into, weights)), layout };
    },
    prepare: () => Promise.resolve(),
    async train({ start, into, round }: TrainingJob): Promise<TrainingResult> {
      await new Promise<void>((resolve) => {
        const delayMs = durationMs();
        if (Number.isFinite(delayMs)) clock.setTimer(delayMs, resolve);
      });
      const base = await readModel(store, start, layout);
      const weights = base.map((tensor) => ({
        ...tensor,
        data: tensor.data.map((x, at) => x + share * ((optimum[at] ?? 0) - x)),
      }));
      await writeModel(store, into, weights);
      return {
        ...{ samples, heads: {} },
        metricsMilli: { loss: Math.round(1000 * lossOf(base)) },
        dataset: digestOf(utf8(`quadratic ${id} ${round}`)),
      };
    },
    check: async (_stage, model) => lossOf(await readModel(store, model, layout)),
  };
}
