/**
 * What a node does in a round of decentralised learning, as a pure state machine: learn, then in each gossip step send, and
 * take in what was heard. States are plain data and are never changed, so that a checkpoint is a copy of one.
 */
import type { Link, MixingGraph } from '../mixing-graph.ts';
import { listenersOf } from '../mixing-graph.ts';
import type { Vector } from '../mix.ts';

/** A node's place in the graph of one step. */
export interface StepPlace {
  readonly node: number;
  /** What it hears, itself included, ascending. */
  readonly links: readonly Link[];
  /** Who hears it, itself not included, ascending. */
  readonly listeners: readonly number[];
}

/** What a node sends in one step. */
export interface Sent<State, Message> {
  readonly state: State;
  /** By listener. Mostly the same object for all. */
  readonly messages: ReadonlyMap<number, Message>;
}

/** How a message travels. */
export interface MessageCodec<Message> {
  /** How many bytes `encode` gives. */
  bytes(message: Message): number;
  encode(message: Message): Uint8Array;
  /**
   * @param like a vector as long, and of the kind, as the sender's model
   * @throws {GossipError} 'bad_mixing_message' unless `encode` could have written it
   */
  decode(bytes: Uint8Array, like: Vector): Message;
}

/** An algorithm as one node carries it out. A round is `trained`, then `send` and `receive` once for each gossip step. */
export interface MixingAlgorithm<State, Message> {
  readonly codec: MessageCodec<Message>;
  /** The state of a node before its first round. */
  readonly start: (model: Vector) => State;
  /** The model that a node trains from, and that is evaluated. */
  readonly model: (state: State) => Vector;
  /** Takes in what local training made of `model(state)`: after minus before, of as many local steps as there were. */
  readonly trained: (state: State, change: Vector) => State;
  readonly send: (state: State, place: StepPlace) => Sent<State, Message>;
  /**
   * @param heard by sender, of `place.links` alone; without those whose message was lost
   * @throws {GossipError} 'bad_mixing_message' for a message that does not fit
   */
  readonly receive: (state: State, place: StepPlace, heard: ReadonlyMap<number, Message>) => State;
}

/** The place of every node in one step's graph. */
export function placesOf(graph: MixingGraph): StepPlace[] {
  const listeners = listenersOf(graph);
  return graph.incoming.map((links, node) => ({ node, links, listeners: listeners[node] ?? [] }));
}

/** The same message for everybody who hears a node. */
export function toAll<Message>(place: StepPlace, message: Message): Map<number, Message> {
  return new Map(place.listeners.map((listener) => [listener, message]));
}
