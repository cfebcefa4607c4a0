/**
 * Quadratics with a known optimum: f_i(x) = ½ Σ_k a_ik (x_k - b_ik)². The function of all nodes is their mean, least at
 * x*_k = Σ_i a_ik b_ik / Σ_i a_ik.
 */
import type { Random } from '../../base/index.ts';
import { chanceOf, type GradientTask, type Vector } from './task.ts';
import type { LabSettings } from './settings.ts';

/** Functions of all nodes, drawn from the seed. @param weights of the nodes, of mean 1 */
export function quadraticTask(settings: LabSettings, weights: Float64Array): QuadraticTask {
  const { seed, nodes, task, partition } = settings;
  const { dimension, condition } = task;
  const curvature = new Float64Array(nodes * dimension);
  const centre = new Float64Array(nodes * dimension);
  const common = chanceOf(seed, 'quadratic');
  const middle = Float64Array.from({ length: dimension }, () => common.normal());
  for (let node = 0; node < nodes; node++) {
    const chance = chanceOf(seed, 'quadratic', node);
    const weight = weights[node] as number;
    for (let k = 0; k < dimension; k++) {
      const place = dimension === 1 ? 0 : k / (dimension - 1);
      const at = node * dimension + k;
      // From 1 to 1/condition, and up to a half more or less from node to node: with the same curvature for all, the
      // mean of the nodes would move as one node with everybody's data does, whatever the graph.
      curvature[at] = weight * condition ** -place * (0.5 + chance.uniform());
      centre[at] = (middle[k] as number) + partition.spread * chance.normal();
    }
  }
  return new QuadraticTask(settings, curvature, centre);
}

/** See the file header. */
export class QuadraticTask implements GradientTask {
  readonly dimension: number;
  readonly samples: Int32Array;
  /** The model that is best for all. */
  readonly optimum: Vector;
  /** a_ik, node by node. */
  readonly curvature: Vector;
  /** b_ik, node by node. */
  readonly centre: Vector;
  readonly #meanCurvature: Vector;
  readonly #settings: Pick<LabSettings, 'seed' | 'task'>;

  /** Rows of the nodes, one after the other. */
  constructor(
    settings: Pick<LabSettings, 'seed' | 'nodes' | 'task'>,
    curvature: Vector,
    centre: Vector,
  ) {
    const { nodes, task } = settings;
    this.dimension = task.dimension;
    this.samples = new Int32Array(nodes).fill(1);
    this.#settings = settings;
    this.curvature = curvature;
    this.centre = centre;
    this.optimum = new Float64Array(task.dimension);
    this.#meanCurvature = new Float64Array(task.dimension);
    for (let k = 0; k < task.dimension; k++) {
      let [sum, pull] = [0, 0];
      for (let at = k; at < curvature.length; at += task.dimension) {
        sum += curvature[at] as number;
        pull += (curvature[at] as number) * (centre[at] as number);
      }
      this.#meanCurvature[k] = sum / nodes;
      this.optimum[k] = pull / sum;
    }
  }

  start(node: number, model: Vector): void {
    const { seed, task } = this.#settings;
    model.fill(0);
    if (task.startStdDev === 0) return;
    const chance = chanceOf(seed, 'start', node);
    for (let k = 0; k < model.length; k++) model[k] = task.startStdDev * chance.normal();
  }

  gradient(node: number, model: Vector, chance: Random, into: Vector): void {
    const noise = this.#settings.task.noiseStdDev;
    const offset = node * this.dimension;
    const curvature = this.curvature;
    const centre = this.centre;
    for (let k = 0; k < this.dimension; k++) {
      const pull = (model[k] as number) - (centre[offset + k] as number);
      into[k] = (into[k] as number) + (curvature[offset + k] as number) * pull;
    }
    if (noise === 0) return;
    for (let k = 0; k < this.dimension; k++)
      into[k] = (into[k] as number) + noise * chance.normal();
  }

  localLoss(node: number, model: Vector): number {
    const offset = node * this.dimension;
    let sum = 0;
    for (let k = 0; k < this.dimension; k++) {
      const pull = (model[k] as number) - (this.centre[offset + k] as number);
      sum += (this.curvature[offset + k] as number) * pull * pull;
    }
    return sum / 2;
  }

  error(model: Vector): number {
    let sum = 0;
    for (let k = 0; k < this.dimension; k++) {
      const away = (model[k] as number) - (this.optimum[k] as number);
      sum += (this.#meanCurvature[k] as number) * away * away;
    }
    return sum / 2;
  }

  testError(): null {
    return null;
  }
}
