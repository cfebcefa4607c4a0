/** Who of a round's participants is still there, as far as this node has heard. Any protocol can use it. */
import type { Clock, NodeId } from '../../base/index.ts';

/** What `Presence` reads. */
export interface PresenceOptions {
  readonly self: NodeId;
  readonly clock: Pick<Clock, 'nowMs'>;
  /** Not heard of for longer than this, a participant counts as gone, ms. */
  readonly silenceMs: number;
}

/** See the file's header. A round begins with all of them there. */
export class Presence {
  readonly #options: PresenceOptions;
  readonly #heardAtMs = new Map<NodeId, number>();
  readonly #abstaining = new Set<NodeId>();
  readonly #beganAtMs: number;

  constructor(options: PresenceOptions) {
    this.#options = options;
    this.#beganAtMs = options.clock.nowMs();
  }

  /** A sign of life. @param nowMs ms since 1970 */
  heard(from: NodeId, nowMs: number): void {
    this.#heardAtMs.set(from, nowMs);
  }

  /** The participant, perhaps this node itself, has no update for this round. */
  abstained(participant: NodeId): void {
    this.#abstaining.add(participant);
  }

  /** Whether this node has no update for this round. */
  get isAbstaining(): boolean {
    return this.#abstaining.has(this.#options.self);
  }

  /** Whether nobody need wait for the participant: it abstains, or was not heard of for too long. */
  isSilent(participant: NodeId): boolean {
    return this.#abstaining.has(participant) || this.isUnheard(participant);
  }

  /** Whether the member, whatever it has for this round, was not heard of for too long. */
  isUnheard(member: NodeId): boolean {
    const { self, clock, silenceMs } = this.#options;
    if (member === self) return false;
    return clock.nowMs() - (this.#heardAtMs.get(member) ?? this.#beganAtMs) > silenceMs;
  }
}
