/**
 * Of which members gossip has come of late, by whomever. One of whom nothing comes for long is off, or nobody is connected to
 * it: what it misses need not be passed on.
 */
import type { NodeId } from '../base/index.ts';

/** Longer than three heartbeats of the slowest clock (`peer.tickMs`, 60 s at most). */
const unheardMs = 180_000;

/** See the file's header. */
export class HeardMembers {
  readonly #startedMs: number;
  readonly #heardMs = new Map<NodeId, number>();

  /** Times are ms of one clock that does not go back. */
  constructor(startedMs: number) {
    this.#startedMs = startedMs;
  }

  /** Something of a member came. */
  heard(member: NodeId, nowMs: number): void {
    this.#heardMs.set(member, nowMs);
  }

  /** Whether nothing of it has come for `unheardMs`. */
  isSilent(member: NodeId, nowMs: number): boolean {
    return nowMs - (this.#heardMs.get(member) ?? this.#startedMs) > unheardMs;
  }
}
