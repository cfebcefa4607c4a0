/**
 * What a peer says to others. What is larger than its kind may be is never said, and logged once for each kind: a fault of
 * this program, of which no peer dies.
 */
import type { Logger, NodeId } from '../base/index.ts';
import { limits, type Transport } from '../wire/index.ts';
import { writePeerMessage, type PeerMessage } from './peer-messages.ts';

/** See the file's header. */
export class Outbox {
  readonly #transport: Pick<Transport, 'broadcast' | 'send'>;
  readonly #logger: Logger;
  /** Kinds of what was too large to be said. */
  readonly #unsaid = new Set<string>();

  constructor(transport: Pick<Transport, 'broadcast' | 'send'>, logger: Logger) {
    this.#transport = transport;
    this.#logger = logger;
  }

  /** To all members. */
  broadcast(message: PeerMessage): void {
    const [topic, bytes] = writePeerMessage(message);
    const what = `a message of kind ${message.t}`;
    if (!this.fits(what, bytes, limits.peerBytesMax[message.t])) return;
    this.#transport.broadcast(topic, bytes);
  }

  /** To one member. */
  send(to: NodeId, message: PeerMessage): void {
    this.#transport.send(to, ...writePeerMessage(message));
  }

  /** Whether `bytes` may be said; logs it otherwise. @param what names their kind */
  fits(what: string, bytes: Uint8Array, bytesMax: number): boolean {
    if (bytes.byteLength <= bytesMax) return true;
    this.logOversized(what, bytes.byteLength);
    return false;
  }

  /** Logs, once for each kind, that something is not said because of its size. */
  logOversized(what: string, sizeBytes: number): void {
    if (this.#unsaid.has(what)) return;
    this.#unsaid.add(what);
    const facts = { what, sizeBytes };
    this.#logger.log('error', 'too large to be said: the others never hear of it', facts);
  }
}
