/**
 * Gossip in which nobody waits: a node trains at its own pace, then mixes what has come in the meantime, sends, and trains on.
 * Events in virtual time, in the order of their times and then of their making.
 */
import type { StepPlace } from '../../gossip/index.ts';
import { headerBytes } from './delivery.ts';
import { EventHeap, type TimedEvent } from './event-heap.ts';
import type { GraphSource } from './graphs.ts';
import type { Population } from './population.ts';
import { trainNode } from './trainers.ts';
import type { LabWorld } from './world.ts';

/** A message under way, or (`from` is `to`) the end of a node's training. */
interface LabEvent extends TimedEvent {
  readonly from: number;
  readonly to: number;
  readonly message: unknown;
}

/** What is under way and not in any state. */
export interface Underway {
  readonly events: readonly LabEvent[];
  readonly made: number;
  /** What came to each node since it last mixed. */
  readonly inboxes: readonly ReadonlyMap<number, unknown>[];
}

/** See the file header. */
export class AsynchronousGossip {
  readonly #world: LabWorld;
  readonly #population: Population;
  readonly #graphs: GraphSource;
  readonly #heap = new EventHeap<LabEvent>();
  #inboxes: Map<number, unknown>[];
  /** Rounds of each node. */
  readonly #own: Float64Array;
  #made = 0;

  constructor(world: LabWorld, population: Population, graphs: GraphSource) {
    this.#world = world;
    this.#population = population;
    this.#graphs = graphs;
    this.#own = world.arena.column('ownRounds');
    this.#inboxes = Array.from({ length: world.settings.nodes }, () => new Map<number, unknown>());
    for (let node = 0; node < world.settings.nodes; node++) this.#begin(node, 0);
  }

  /** Goes on until the nodes have made `round` rounds each, on average over those that were there at the beginning. */
  async advanceTo(round: number): Promise<void> {
    const { settings, sites } = this.#world;
    const leaving = sites.goneFrom.filter((from) => from <= round).length;
    const wanted = round * (settings.nodes - leaving);
    let done = this.#own.reduce((sum, own) => sum + own, 0);
    while (done < wanted) {
      const event = this.#heap.pop();
      if (event === null) return;
      const { from, to, atMs } = event;
      if (from !== to) this.#inboxes[to]?.set(from, event.message);
      else if (await this.#finish(to, atMs)) done++;
    }
  }

  /** What must be kept beside the states. */
  save(): Underway {
    return { events: this.#heap.all(), made: this.#made, inboxes: this.#inboxes };
  }

  /** Goes on from a run whose nodes waited for each other: all train, from when each was ready. */
  restart(round: number): void {
    const { readyMs, settings } = this.#world;
    this.#own.fill(round);
    this.#heap.replace([]);
    for (let node = 0; node < settings.nodes; node++) this.#begin(node, readyMs[node] as number);
  }

  /** Goes on from what was kept. */
  restore({ events, made, inboxes }: Underway): void {
    this.#heap.replace(events);
    this.#made = made;
    this.#inboxes = inboxes.map((inbox) => new Map(inbox));
  }

  /** Whether a node made a round: trained, mixed and sent. */
  async #finish(node: number, atMs: number): Promise<boolean> {
    const { sites, present, readyMs, backMs, counters, settings } = this.#world;
    const round = (this.#own[node] as number) + 1;
    if ((sites.goneFrom[node] as number) <= round) {
      present[node] = 0;
      return false;
    }
    if (sites.absentFrom[node] === round && backMs[node] === 0) {
      backMs[node] = atMs + settings.sites.absentMs;
      present[node] = 0;
      this.#push({ atMs: backMs[node], from: node, to: node, message: null });
      return false;
    }
    present[node] = 1;
    await trainNode(this.#world, round, node);
    this.#population.learnAlone(node, round);
    const inbox = this.#inboxes[node] as Map<number, unknown>;
    const heard = new Map([...inbox].sort(([a], [b]) => a - b));
    inbox.clear();
    this.#population.hear(node, this.#placeAmong(node, [...heard.keys()]), heard);
    this.#send(node, atMs, round);
    readyMs[node] = atMs;
    counters.steps[node] = (counters.steps[node] as number) + settings.training.localSteps;
    this.#own[node] = round;
    this.#begin(node, atMs);
    return true;
  }

  /** The node beside those that were heard, all with the same weight. */
  #placeAmong(node: number, heard: readonly number[]): StepPlace {
    const voices = [...heard, node].sort((a, b) => a - b);
    const weight = 1 / voices.length;
    return { node, links: voices.map((from) => ({ from, weight })), listeners: [] };
  }

  #send(node: number, atMs: number, round: number): void {
    const { counters, links } = this.#world;
    const place = this.#population.placeIn(this.#graphs.at(round - 1, 0), node);
    const { messages, bytes } = this.#population.speak(node, place);
    let leftMs = atMs;
    for (const [to, message] of messages) {
      const size = bytes + headerBytes;
      leftMs += links.sendMs(node, to, size);
      counters.sentBytes[node] = (counters.sentBytes[node] as number) + size;
      counters.messages[node] = (counters.messages[node] as number) + 1;
      if (links.isLost(node, to, { round, step: 0, attempt: 0 })) {
        counters.lost[node] = (counters.lost[node] as number) + 1;
      } else this.#push({ atMs: leftMs + links.delayMs(node, to), from: node, to, message });
    }
  }

  #begin(node: number, atMs: number): void {
    const { settings, sites } = this.#world;
    const steps = settings.training.localSteps;
    const took = steps * settings.sites.stepMs * (sites.slowness[node] as number);
    this.#push({ atMs: atMs + took, from: node, to: node, message: null });
  }

  #push(event: Omit<LabEvent, 'order'>): void {
    if (event.atMs !== Infinity) this.#heap.push({ ...event, order: this.#made++ });
  }
}
