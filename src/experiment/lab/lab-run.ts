/** A run of the laboratory, round by round. */
import { invariant } from '../../base/index.ts';
import type { MixingGraph } from '../../gossip/index.ts';
import type { LabFrame, LabNode, LabRound } from '../../report/index.ts';
import { deliver } from './delivery.ts';
import { LabError } from './errors.ts';
import { Graphs } from './graphs.ts';
import { consensusDistance, measure, nodeRecords, type Caught } from './measurement.ts';
import { passTime, settlePresence } from './presence.ts';
import type { LabSettings } from './settings.ts';
import type { LabState } from './state-file.ts';
import type { Vector } from './task.ts';
import { inlineTrainer, type Trainer } from './trainers.ts';
import { makeWorld, type LabFiles, type LabWorld } from './world.ts';

const bytesPerNumber = 4;

/** See the file header. Whoever opens it closes it. */
export class LabRun {
  readonly world: LabWorld;
  readonly #trainer: Trainer;
  readonly #graphs: Graphs;
  readonly #next: Float64Array[];
  #round = 0;
  #contraction: number | null = null;
  #caught: Caught = { caught: null, falselyCaught: null };
  #graph: MixingGraph | null = null;

  private constructor(world: LabWorld, trainer: Trainer, graphs: Graphs) {
    this.#graphs = graphs;
    this.world = world;
    this.#trainer = trainer;
    this.#next = this.world.models.of.map((model) => new Float64Array(model.length));
  }

  /**
   * At its beginning.
   * @param workers threads that train; the numbers are the same with any number of them
   * @throws {LabError} 'bad_trace'
   */
  static async open(settings: LabSettings, files: LabFiles, workers: number): Promise<LabRun> {
    const graphs = new Graphs(settings, files['topology.file']);
    const world = makeWorld(settings, files, workers > 1);
    if (workers === 1) return new LabRun(world, inlineTrainer(world), graphs);
    const { threadedTrainer } = await import('./threaded-trainer.ts');
    return new LabRun(world, threadedTrainer(world, workers), graphs);
  }

  /** Rounds that were computed. */
  get round(): number {
    return this.#round;
  }

  /** Computes the next round. @throws {LabError} 'diverged' */
  async advance(): Promise<void> {
    const round = this.#round + 1;
    const { settings, present, readyMs, sites, counters, task } = this.world;
    settlePresence(this.world, round);
    await this.#trainer.train(round, 'descend');
    const { localSteps } = settings.training;
    for (let node = 0; node < settings.nodes; node++) {
      if (present[node] !== 1) continue;
      const slowness = sites.slowness[node] as number;
      readyMs[node] = (readyMs[node] as number) + localSteps * settings.sites.stepMs * slowness;
      counters.steps[node] = (counters.steps[node] as number) + localSteps;
    }
    const before = consensusDistance(this.world);
    for (let step = 0; step < settings.topology.gossipSteps; step++) {
      const graph = this.#graphs.at(round - 1, step);
      this.#graph = graph;
      const heard = deliver(
        this.world,
        graph,
        { round, step },
        () => bytesPerNumber * task.dimension,
      );
      this.#mix(graph, heard);
    }
    passTime(this.world);
    const after = consensusDistance(this.world);
    if (!Number.isFinite(after)) {
      throw new LabError(
        { code: 'diverged', round },
        `round ${round}: the models grew beyond all bounds; try a smaller training.learningRate`,
      );
    }
    this.#contraction =
      before > 0 ? Math.sqrt(after / before) ** (1 / settings.topology.gossipSteps) : null;
    this.#round = round;
  }

  /** Measurements after the last round. */
  measure(): LabRound {
    return measure(this.world, this.#round, this.#contraction, this.#caught);
  }

  /** What became of each node. */
  nodes(): LabNode[] {
    return nodeRecords(this.world);
  }

  /** Who heard whom in the last exchange, and each node's error. */
  frame(): LabFrame {
    const edges = (this.#graph?.incoming ?? []).flatMap((links, to) =>
      links.filter(({ from }) => from !== to).map(({ from }): [number, number] => [from, to]),
    );
    return { round: this.#round, edges, errors: this.nodes().map(({ error }) => error) };
  }

  /** All its numbers, copied. */
  save(): LabState {
    const rows = this.world.arena
      .entries()
      .map(([name, all]): [string, Vector] => [name, all.slice()]);
    return { round: this.#round, rows: new Map(rows) };
  }

  /**
   * Goes on from a state of a run that may have had other settings. What the other did not have is as at the beginning.
   * @throws {LabError} 'bad_state' unless it is of as many nodes and of models of the same size
   */
  restore({ round, rows }: LabState): void {
    for (const [name, all] of this.world.arena.entries()) {
      const saved = rows.get(name);
      if (saved?.length === all.length) all.set(saved);
      else if (name === 'models') {
        const came = saved?.length ?? 0;
        throw new LabError(
          { code: 'bad_state' },
          `expected a state of ${all.length} numbers in all models, got ${came}: nodes and task must be those of the run`,
        );
      }
    }
    this.#round = round;
  }

  /** Ends its threads. */
  close(): Promise<void> {
    return this.#trainer.close();
  }

  #mix({ incoming }: MixingGraph, heard: readonly Uint8Array[]): void {
    const { models, present } = this.world;
    incoming.forEach((links, to) => {
      const next = this.#next[to];
      invariant(next !== undefined, 'a graph has no more nodes than the run');
      next.fill(0);
      links.forEach(({ from, weight }, at) => {
        // What did not come counts as what the node itself has.
        const isHeard = present[to] === 1 && heard[to]?.[at] === 1;
        const source = models.of[isHeard ? from : to] as Float64Array;
        for (let k = 0; k < next.length; k++)
          next[k] = (next[k] as number) + weight * (source[k] as number);
      });
    });
    models.of.forEach((model, node) => {
      if (present[node] === 1) model.set(this.#next[node] as Float64Array);
    });
  }
}
