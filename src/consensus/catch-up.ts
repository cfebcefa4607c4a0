/** The asking half of R7: others are further, and this node follows by their decisions. */
import type { NodeId } from '../base/index.ts';
import { digestOf } from '../crypto/index.ts';
import type { Certificate } from '../wire/index.ts';
import { bytesOf } from './bodies.ts';
import type { MachineState } from './machine-state.ts';
import type { ConsensusMessage, Decided } from './messages.ts';
import type { Voting } from './voting.ts';

/** Messages of the next height kept per peer while this one is being decided. */
const aheadCountMax = 8;
const aheadBytesMax = 128 * 1024;

/** See the file's header. */
export class CatchUp {
  readonly #state: MachineState;
  readonly #voting: Voting;
  /** Who was asked since the last retransmission or decision. */
  readonly #asked = new Set<NodeId>();
  readonly #ahead = new Map<NodeId, Uint8Array[]>();
  /** Who told the decision of this step. */
  #helper: NodeId | null = null;

  constructor(state: MachineState, voting: Voting) {
    this.#state = state;
    this.#voting = voting;
  }

  /** Others are further. Asks f+1 of them, one of whom is honest; keeps what comes right after. */
  onAhead(from: NodeId, message: ConsensusMessage, bytes: Uint8Array): void {
    if (message.h === this.#state.height + 1 && message.t !== 'STATUS') this.#keep(from, bytes);
    this.onLaterEpoch(from);
  }

  /** The sender has members that come after ours, so it knows what was decided here. Its message cannot be checked. */
  onLaterEpoch(from: NodeId): void {
    if (this.#asked.has(from) || this.#asked.size > this.#state.faultMax) return;
    this.#asked.add(from);
    this.#askStatus(from);
  }

  /** What was kept for the height that has begun, by sender; it is forgotten here. */
  takeKept(): [NodeId, Uint8Array[]][] {
    const kept = [...this.#ahead];
    this.#ahead.clear();
    return kept;
  }

  /** A new height or a retransmission: everybody may be asked again. */
  forgetAsked(): void {
    this.#asked.clear();
  }

  /** An answer to this node's STATUS. */
  onDecided(from: NodeId, { body, cert }: Decided): void {
    if (this.onDecision(bytesOf(body), cert)) this.#helper = from;
    else this.#state.out.refuse(from, 'decision without proof');
  }

  /** Takes a decision of this height over, wherever it was learnt. Returns whether it is proved. */
  onDecision(body: Uint8Array, certificate: Certificate): boolean {
    const { kind, h, x } = certificate;
    if (kind !== 'FINALIZE' || h !== this.#state.height || x !== digestOf(body)) return false;
    if (!this.#state.isSound(certificate)) return false;
    this.#state.now.bodies.set(x, body);
    this.#voting.admit(certificate, false);
    return true;
  }

  /** Whoever could tell this height can tell the next one too. */
  goOn(): void {
    if (this.#helper !== null) this.#askStatus(this.#helper);
    this.#helper = null;
  }

  #askStatus(to: NodeId): void {
    this.#state.out.send(to, { ...this.#state.common(), t: 'STATUS', v: this.#state.view });
  }

  #keep(from: NodeId, bytes: Uint8Array): void {
    const kept = this.#ahead.get(from) ?? [];
    const keptBytes = kept.reduce((sum, one) => sum + one.byteLength, bytes.byteLength);
    if (kept.length < aheadCountMax && keptBytes <= aheadBytesMax) {
      this.#ahead.set(from, [...kept, bytes]);
    }
  }
}
