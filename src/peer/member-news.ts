/** What members say of themselves in their heartbeats, told on when it is new. */
import type { NodeId } from '../base/index.ts';
import type { MemberClaims, PeerEvent } from './events.ts';
import { readPeerMessage, type StatusMessage } from './peer-messages.ts';

/** A heartbeat is under way for a while, and not always as long: below this a clock did not change, ms. */
const clockStepMs = 1_000;

/** What the bytes of a heartbeat claim; null when they are none. @param nowMs of this machine's clock */
export function heardClaims(bytes: Uint8Array, nowMs: number): MemberClaims | null {
  const message = readPeerMessage('status', bytes);
  return message?.t === 'status' ? claimsOf(message, nowMs) : null;
}

function claimsOf({ h, at, code, m }: StatusMessage, nowMs: number): MemberClaims {
  return { height: h, aheadMs: nowMs - at, code, version: m };
}

/** See the file's header. */
export class MemberNews {
  readonly #onEvent: (event: PeerEvent) => void;
  readonly #told = new Map<NodeId, MemberClaims>();
  readonly #lastAheadMs = new Map<NodeId, number>();

  constructor(onEvent: (event: PeerEvent) => void) {
    this.#onEvent = onEvent;
  }

  /** A heartbeat came. */
  heard(member: NodeId, message: StatusMessage, nowMs: number): void {
    const now = claimsOf(message, nowMs);
    // Of two in a row the one that was under way for a shorter time says more: after a pause many old ones come at once.
    const beforeMs = this.#lastAheadMs.get(member) ?? now.aheadMs;
    this.#lastAheadMs.set(member, now.aheadMs);
    const aheadMs = Math.abs(beforeMs) < Math.abs(now.aheadMs) ? beforeMs : now.aheadMs;
    const claims = { ...now, aheadMs };
    const told = this.#told.get(member);
    if (told !== undefined && isSame(told, claims)) return;
    this.#told.set(member, claims);
    this.#onEvent({ kind: 'heard', member, ...claims });
  }
}

function isSame(one: MemberClaims, other: MemberClaims): boolean {
  return (
    one.height === other.height &&
    one.code === other.code &&
    one.version === other.version &&
    Math.abs(one.aheadMs - other.aheadMs) < clockStepMs
  );
}
