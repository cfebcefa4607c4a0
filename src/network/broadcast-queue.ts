/**
 * Own broadcasts that wait for their turn. Peers say the same again and again until they are heard; above the rate such
 * repeats would push back what is new, without end. So what waits already is not taken twice, of heartbeats and checkpoints
 * only the latest waits, and the topics take turns: votes do not wait behind updates, nor heartbeats behind votes.
 */
import { equalBytes } from '../base/index.ts';
import { topics, type Topic } from '../wire/index.ts';

/** Topics of which a later message says all that an earlier one did. */
const latestOnly: ReadonlySet<Topic> = new Set(['status', 'log']);

/** See the file header. */
export class BroadcastQueue {
  readonly #max: number;
  readonly #waiting = new Map<Topic, Uint8Array[]>(topics.map((topic) => [topic, []]));
  #turn = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** Messages that wait. */
  get length(): number {
    return [...this.#waiting.values()].reduce((sum, { length }) => sum + length, 0);
  }

  /** Puts a message in line; false when too many wait. */
  push(topic: Topic, bytes: Uint8Array): boolean {
    const waiting = this.#of(topic);
    if (latestOnly.has(topic)) waiting.length = 0;
    else if (waiting.some((one) => equalBytes(one, bytes))) return true;
    if (this.length >= this.#max) return false;
    waiting.push(bytes);
    return true;
  }

  /** Takes the next message out; `null` when none waits. */
  shift(): { readonly topic: Topic; readonly bytes: Uint8Array } | null {
    for (let step = 0; step < topics.length; step++) {
      const topic = topics[(this.#turn + step) % topics.length];
      const bytes = topic === undefined ? undefined : this.#of(topic).shift();
      if (topic === undefined || bytes === undefined) continue;
      this.#turn = (this.#turn + step + 1) % topics.length;
      return { topic, bytes };
    }
    return null;
  }

  clear(): void {
    for (const waiting of this.#waiting.values()) waiting.length = 0;
  }

  #of(topic: Topic): Uint8Array[] {
    return this.#waiting.get(topic) ?? [];
  }
}
