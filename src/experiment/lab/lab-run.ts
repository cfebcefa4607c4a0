/** A run of the laboratory, round by round. */
import type { MixingGraph } from '../../gossip/index.ts';
import type { LabFrame, LabNode, LabRound } from '../../report/index.ts';
import { algorithmOf } from './algorithm-of.ts';
import { AsynchronousGossip, type Underway } from './asynchronous.ts';
import { LabError } from './errors.ts';
import { eclipsedGraphs, placeAttackers } from './eclipse.ts';
import { Graphs, type GraphSource } from './graphs.ts';
import { makeTask } from './make-task.ts';
import { consensusDistance, measure, nodeRecords, type Caught } from './measurement.ts';
import { Population } from './population.ts';
import { passTime, settlePresence } from './presence.ts';
import type { LabSettings } from './settings.ts';
import type { LabState } from './state-file.ts';
import type { Vector } from './task.ts';
import { inlineTrainer, type Trainer } from './trainers.ts';
import { makeWorld, type LabFiles, type LabWorld } from './world.ts';

/** See the file header. Whoever opens it closes it. */
export class LabRun {
  readonly world: LabWorld;
  readonly #trainer: Trainer;
  readonly #graphs: GraphSource;
  readonly #population: Population;
  readonly #asynchronous: AsynchronousGossip | null;
  #round = 0;
  #contraction: number | null = null;
  /** Messages that a rule judged in this round: all and those left out, of honest nodes and of attackers. */
  readonly #judged = { all: [0, 0], out: [0, 0] };
  #graph: MixingGraph | null = null;

  private constructor(world: LabWorld, trainer: Trainer, graphs: GraphSource) {
    this.#graphs = graphs;
    this.world = world;
    this.#trainer = trainer;
    const algorithm = algorithmOf(world.settings, world.task.dimension, {
      progress: () => this.#round / world.settings.rounds,
      judged: (from, isTaken) => {
        this.#judge(from, isTaken);
      },
    });
    this.#population = new Population(world, algorithm);
    this.#asynchronous =
      world.settings.mode === 'synchronous'
        ? null
        : new AsynchronousGossip(world, this.#population, graphs);
  }

  /**
   * At its beginning.
   * @param workers threads that train; the numbers are the same with any number of them
   * @throws {LabError} 'bad_trace'
   */
  static async open(settings: LabSettings, files: LabFiles, workers: number): Promise<LabRun> {
    const drawn = new Graphs(settings, files['topology.file']);
    const isAttacker = placeAttackers(settings, drawn);
    const graphs = eclipsedGraphs(settings, drawn, isAttacker);
    const task = await makeTask(settings);
    try {
      const world = makeWorld(settings, files, task, { isAttacker, isShared: workers > 1 });
      if (workers === 1) return new LabRun(world, inlineTrainer(world), graphs);
      const { threadedTrainer } = await import('./threaded-trainer.ts');
      return new LabRun(world, threadedTrainer(world, workers), graphs);
    } catch (error) {
      task.close();
      throw error;
    }
  }

  /** Rounds that were computed. */
  get round(): number {
    return this.#round;
  }

  /** Computes the next round. @throws {LabError} 'diverged' */
  async advance(): Promise<void> {
    const round = this.#round + 1;
    this.#judged.all.fill(0);
    this.#judged.out.fill(0);
    const before = await this.#exchange(round);
    const { gossipSteps } = this.world.settings.topology;
    const after = consensusDistance(this.world);
    if (!Number.isFinite(after)) {
      throw new LabError(
        { code: 'diverged', round },
        `round ${round}: the models grew beyond all bounds; try a smaller training.learningRate`,
      );
    }
    this.#contraction =
      before !== null && before > 0 ? Math.sqrt(after / before) ** (1 / gossipSteps) : null;
    this.#round = round;
  }

  /** Measurements after the last round. */
  measure(): Promise<LabRound> {
    return measure(this.world, this.#round, this.#contraction, this.#shares());
  }

  /** What became of each node. */
  nodes(): Promise<LabNode[]> {
    return nodeRecords(this.world);
  }

  /** Who heard whom in the last exchange, and each node's error. */
  async frame(): Promise<LabFrame> {
    const edges = (this.#graph?.incoming ?? []).flatMap((links, to) =>
      links.filter(({ from }) => from !== to).map(({ from }): [number, number] => [from, to]),
    );
    return { round: this.#round, edges, errors: (await this.nodes()).map(({ error }) => error) };
  }

  /** All its numbers, copied. */
  save(): LabState {
    const rows = this.world.arena
      .entries()
      .map(([name, all]): [string, Vector] => [name, all.slice()]);
    const { algorithm } = this.world.settings.training;
    const states = this.#population.states;
    const underway = this.#asynchronous?.save() ?? null;
    return { round: this.#round, algorithm, rows: new Map(rows), states, underway };
  }

  /**
   * Goes on from a state of a run that may have had other settings. What the other did not have is as at the beginning.
   * @throws {LabError} 'bad_state' unless it is of as many nodes and of models of the same size
   */
  restore({ round, rows, algorithm, states, underway }: LabState): void {
    const { settings } = this.world;
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
    const isSame = algorithm === settings.training.algorithm && states.length === settings.nodes;
    this.#population.restore(isSame ? states : null);
    this.#population.show();
    if (isSame && underway !== null) this.#asynchronous?.restore(underway as Underway);
    else this.#asynchronous?.restart(round);
    this.#round = round;
  }

  /** Ends its threads and its task. */
  async close(): Promise<void> {
    await this.#trainer.close();
    this.world.task.close();
  }

  /** Trains and mixes; gives the distance of the nodes in between, null where each has its own in between. */
  async #exchange(round: number): Promise<number | null> {
    if (this.#asynchronous !== null) {
      await this.#asynchronous.advanceTo(round);
      this.#graph = this.#graphs.at(round - 1, 0);
      return null;
    }
    settlePresence(this.world, round);
    await this.#trainer.train(round);
    this.#passTraining();
    const before = consensusDistance(this.world);
    this.#population.learn(round);
    for (let step = 0; step < this.world.settings.topology.gossipSteps; step++) {
      const graph = this.#graphs.at(round - 1, step);
      this.#graph = graph;
      this.#population.exchange(graph, { round, step });
    }
    passTime(this.world);
    return before;
  }

  #passTraining(): void {
    const { settings, present, readyMs, sites, counters } = this.world;
    const { localSteps } = settings.training;
    for (let node = 0; node < settings.nodes; node++) {
      if (present[node] !== 1) continue;
      const slowness = sites.slowness[node] as number;
      readyMs[node] = (readyMs[node] as number) + localSteps * settings.sites.stepMs * slowness;
      counters.steps[node] = (counters.steps[node] as number) + localSteps;
    }
  }

  #judge(from: number, isTaken: boolean): void {
    const sort = this.world.isAttacker[from] as number;
    const { all, out } = this.#judged;
    all[sort] = (all[sort] ?? 0) + 1;
    if (!isTaken) out[sort] = (out[sort] ?? 0) + 1;
  }

  #shares(): Caught {
    const share = (sort: 0 | 1): number | null => {
      const all = this.#judged.all[sort] ?? 0;
      return all === 0 ? null : (this.#judged.out[sort] ?? 0) / all;
    };
    return { caught: share(1), falselyCaught: share(0) };
  }
}
