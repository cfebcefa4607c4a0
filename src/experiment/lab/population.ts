/** All nodes of a run with their states: what they send, what comes of it, and what they take in. */
import { invariant } from '../../base/index.ts';
import {
  outerChange,
  placesOf,
  plus,
  type MixingGraph,
  type StepPlace,
  type Vector,
} from '../../gossip/index.ts';
import type { AnyAlgorithm } from './algorithm-of.ts';
import { reliableAlgorithms, wholeModelAlgorithms } from './choices.ts';
import { Attackers } from './attackers.ts';
import { deliver, type Exchange } from './delivery.ts';
import type { LabWorld } from './world.ts';

/** See the file header. */
export class Population {
  readonly #world: LabWorld;
  readonly #algorithm: AnyAlgorithm;
  readonly #attackers: Attackers;
  readonly #isReliable: boolean;
  /** Nobody waits, and attackers use what each honest node learnt last. */
  readonly #isRemembering: boolean;
  readonly #places = new WeakMap<MixingGraph, StepPlace[]>();
  #states: unknown[];
  /** Models that nodes trained from in this round. */
  readonly #before: Vector[];
  /** Of attackers that lie about what they learnt: the model that they send. */
  readonly #lying = new Map<number, Vector>();

  constructor(world: LabWorld, algorithm: AnyAlgorithm) {
    const { settings, models, isAttacker } = world;
    this.#world = world;
    // Part of a state from the beginning, so that it is saved and put back.
    if (this.#isOuter) world.arena.rows('outer', world.task.dimension);
    this.#algorithm = algorithm;
    this.#attackers = new Attackers(settings, isAttacker);
    this.#isRemembering = settings.mode === 'asynchronous' && this.#attackers.isKnowing;
    if (this.#isRemembering) world.arena.rows('lastChange', world.task.dimension);
    if (this.#isRemembering) world.arena.column('hasChanged');
    this.#isReliable = reliableAlgorithms.includes(settings.training.algorithm);
    this.#before = models.of.map((model) => vectorOf(model, settings.precision));
    this.#states = this.#before.map((model) => algorithm.start(model));
  }

  /** All states, by node: plain data. */
  get states(): readonly unknown[] {
    return this.#states;
  }

  /** Puts states in the place of its own. @throws {TypeError} unless there is one for each node */
  restore(states: readonly unknown[] | null): void {
    const { models, settings } = this.#world;
    this.#states =
      states === null
        ? models.of.map((model) => this.#algorithm.start(vectorOf(model, settings.precision)))
        : [...states];
    invariant(this.#states.length === settings.nodes, 'a state for each node');
  }

  /** Takes in what training made of the models of present nodes, in the world's rows. */
  learn(round: number): void {
    const { settings, present } = this.#world;
    const changes = new Map<number, Vector>();
    for (let node = 0; node < settings.nodes; node++) {
      if (present[node] === 1) changes.set(node, this.#changeOf(node));
    }
    const lies = this.#attackers.sort === 'update' ? this.#attackers.lies(changes, round) : null;
    this.#lying.clear();
    for (const [node, change] of changes) this.#learn(node, change, lies?.get(node) ?? null);
  }

  /** One exchange along a graph; then the world's rows have the models that came of it. */
  exchange(graph: MixingGraph, moment: Exchange): void {
    const { settings, present } = this.#world;
    const places = this.#placesOf(graph);
    const told = this.#toldByAttackers(graph);
    const messages: (ReadonlyMap<number, unknown> | null)[] = places.map((place, node) => {
      if (present[node] !== 1) return null;
      return this.#send(node, place);
    });
    const sizes = messages.map((own) => {
      const [first] = own?.values() ?? [];
      return first === undefined ? 0 : this.#algorithm.codec.bytes(first);
    });
    const inTime = deliver(this.#world, graph, moment, { sizes, isReliable: this.#isReliable });
    places.forEach((place, node) => {
      if (present[node] !== 1) return;
      const heard = new Map<number, unknown>();
      place.links.forEach(({ from }, at) => {
        if (from === node || inTime[node]?.[at] !== 1) return;
        const lie = this.#world.isAttacker[from] === 1 ? told.get(node) : undefined;
        const message =
          lie === undefined ? messages[from]?.get(node) : [vectorOf(lie, settings.precision)];
        if (message !== undefined) heard.set(from, message);
      });
      this.#take(node, place, heard);
    });
    this.show();
  }

  /** Takes in what training made of the model of one node, which sends and hears at its own time. */
  learnAlone(node: number, round: number): void {
    const change = this.#changeOf(node);
    const isLiar = this.#world.isAttacker[node] === 1 && this.#attackers.sort === 'update';
    if (this.#isRemembering && !isLiar) this.#remember(node, change);
    this.#learn(
      node,
      change,
      isLiar ? this.#attackers.lie(node, round, change, this.#remembered()) : null,
    );
  }

  /** What one node sends, by listener, and how many bytes a message has. */
  speak(
    node: number,
    place: StepPlace,
  ): { readonly messages: ReadonlyMap<number, unknown>; readonly bytes: number } {
    const messages = this.#send(node, place);
    const [first] = messages.values();
    this.#showOne(node);
    return { messages, bytes: first === undefined ? 0 : this.#algorithm.codec.bytes(first) };
  }

  /** What one node heard, by sender. */
  hear(node: number, place: StepPlace, heard: ReadonlyMap<number, unknown>): void {
    this.#take(node, place, heard);
    this.#showOne(node);
  }

  /** A node's place in a graph. */
  placeIn(graph: MixingGraph, node: number): StepPlace {
    return this.#placesOf(graph)[node] as StepPlace;
  }

  /** Writes the models of all states into the world's rows. */
  show(): void {
    for (const node of this.#states.keys()) this.#showOne(node);
  }

  /** An attacker learns as all do, and shows the model that it would have had its lie been true. */
  #learn(node: number, change: Vector, lie: Vector | null): void {
    const state = this.#states[node];
    if (lie === null) this.#lying.delete(node);
    else this.#lying.set(node, plus(this.#algorithm.model(state), lie));
    this.#states[node] = this.#algorithm.trained(state, change);
  }

  #take(node: number, place: StepPlace, heard: ReadonlyMap<number, unknown>): void {
    const { counters, isAttacker } = this.#world;
    const lies = [...heard.keys()].filter((from) => isAttacker[from] === 1).length;
    counters.heard[node] = (counters.heard[node] as number) + heard.size;
    counters.heardLies[node] = (counters.heardLies[node] as number) + lies;
    this.#states[node] = this.#algorithm.receive(this.#states[node], place, heard);
  }

  #send(node: number, place: StepPlace): ReadonlyMap<number, unknown> {
    const { state, messages } = this.#algorithm.send(this.#states[node], place);
    this.#states[node] = state;
    const lying = this.#lying.get(node);
    return lying === undefined
      ? messages
      : new Map(place.listeners.map((listener) => [listener, [lying]]));
  }

  #remember(node: number, change: Vector): void {
    const { arena, task } = this.#world;
    arena.rows('lastChange', task.dimension).of[node]?.set(change);
    arena.column('hasChanged')[node] = 1;
  }

  /** What each honest node that is there learnt last. */
  #remembered(): Vector[] {
    if (!this.#isRemembering) return [];
    const { arena, task, present } = this.#world;
    const isKnown = arena.column('hasChanged');
    return arena
      .rows('lastChange', task.dimension)
      .of.filter((_, node) => isKnown[node] === 1 && present[node] === 1);
  }

  #showOne(node: number): void {
    const model = this.#algorithm.model(this.#states[node]);
    this.#world.models.of[node]?.set(model);
    this.#before[node] = model;
  }

  /** What training made of a node's model, by the outer step. */
  #changeOf(node: number): Vector {
    const { models, settings } = this.#world;
    const change = vectorOf(models.of[node] as Vector, settings.precision);
    const before = this.#before[node] as Vector;
    for (let k = 0; k < change.length; k++)
      change[k] = (change[k] as number) - (before[k] as number);
    return this.#isOuter ? this.#outer(node, change) : change;
  }

  get #isOuter(): boolean {
    const { outerRate, outerMomentum } = this.#world.settings.training;
    return outerRate !== 1 || outerMomentum !== 0;
  }

  #outer(node: number, change: Vector): Vector {
    const { arena, settings } = this.#world;
    const { outerRate: rate, outerMomentum: momentum } = settings.training;
    const row = arena.rows('outer', change.length).of[node];
    invariant(row !== undefined, 'a row for each node');
    const outer = outerChange(change, vectorOf(row, settings.precision), { rate, momentum });
    row.set(outer.momentum);
    return outer.change;
  }

  #toldByAttackers(graph: MixingGraph): ReadonlyMap<number, Float64Array> {
    const { models, isAttacker, settings } = this.#world;
    if (this.#attackers.sort !== 'graph') return new Map();
    invariant(wholeModelAlgorithms.includes(settings.training.algorithm), 'messages are models');
    const honest = new Map(
      models.of.flatMap((_, node): [number, Vector][] =>
        isAttacker[node] === 1 ? [] : [[node, this.#algorithm.model(this.#states[node])]],
      ),
    );
    return this.#attackers.told(graph, honest);
  }

  #placesOf(graph: MixingGraph): StepPlace[] {
    const there = this.#places.get(graph);
    if (there !== undefined) return there;
    const places = placesOf(graph);
    this.#places.set(graph, places);
    return places;
  }
}

function vectorOf(values: ArrayLike<number>, precision: string): Vector {
  return precision === 'f32' ? Float32Array.from(values) : Float64Array.from(values);
}
