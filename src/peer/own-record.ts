/**
 * What this node writes down of itself, in its own log (`audit`'s `NodeLog`), and the head of it that goes into each update.
 *
 * A disk may be an old copy. So what is noted after a start waits in memory until this node knows what it has anchored in the
 * shared log: until it may vote, or signs an update. From then on a note is written at once.
 */
import {
  messageOf,
  type Clock,
  type Digest,
  type Logger,
  type NodeId,
  type Store,
} from '../base/index.ts';
import {
  envelopeDigests,
  firstEntryOf,
  NodeLog,
  type ConsortiumLog,
  type NodeEntry,
  type NodeEvent,
} from '../audit/index.ts';
import { digestOf, type VerifyBytes } from '../crypto/index.ts';
import { decodeUpdateStatement, keyBytes, memberOf, type NodeLogHead } from '../wire/index.ts';
import { PeerError } from './errors.ts';
import type { PeerKeys } from './ports.ts';

/** Notes that wait, at most; later ones are lost. */
const waitingMax = 1_000;

/** What a record works with. */
export interface OwnRecordPorts {
  readonly store: Store;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly logger: Logger;
  readonly verify: VerifyBytes;
  readonly self: NodeId;
  readonly keys: Pick<PeerKeys, 'consensus' | 'log' | 'witness'>;
  /** The program. */
  readonly code: Digest;
  /** The shared log as far as this node has come. */
  readonly shared: () => SharedLog;
  readonly isStopped: () => boolean;
}

/** What is looked at of the shared log. */
export type SharedLog = Pick<ConsortiumLog, 'head' | 'decision' | 'entries' | 'versions'>;

/** See the file's header. One for the whole run of a peer. */
export class OwnRecord {
  readonly #ports: OwnRecordPorts;
  #waiting: NodeEntry[];
  #log: NodeLog | null = null;
  /** Up to this height of the shared log it is known that the own log holds what it anchored; -1 before it was looked at. */
  #settledTo = -1;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(ports: OwnRecordPorts) {
    this.#ports = ports;
    const { consensus, log, witness } = ports.keys;
    const keys = {
      consensus: digestOf(consensus.publicKey),
      log: digestOf(log.publicKey),
      witness: digestOf(witness.publicKey),
    };
    this.#waiting = [this.#timed({ event: 'node-started', code: ports.code, keys })];
  }

  /** Writes down an event: at once, or when `flush` is called for the first time. A failure is logged. */
  note(event: NodeEvent): void {
    if (this.#waiting.length < waitingMax) this.#waiting.push(this.#timed(event));
    if (this.#settledTo >= 0) this.flushSoon();
  }

  /** As `flush`, beside the caller; a failure is logged. Does nothing when no note waits. */
  flushSoon(): void {
    if (this.#waiting.length === 0) return;
    void this.flush().catch((error: unknown) => {
      const facts = { reason: messageOf(error) };
      this.#ports.logger.log('error', "this node's own log could not be written", facts);
    });
  }

  /** Writes what waits, and gives the head, which is on the disk and contradicts none that was anchored. */
  flush(): Promise<NodeLogHead> {
    const done = this.#queue.then(() => this.#write());
    this.#queue = done.catch(() => undefined);
    return done;
  }

  /** When nothing is being written any more. */
  async idle(): Promise<void> {
    await this.#queue;
  }

  async #write(): Promise<NodeLogHead> {
    const { store, self, keys, shared, verify, isStopped } = this.#ports;
    // Another run may have begun over this disk.
    if (isStopped()) throw new PeerError({ code: 'not_running' }, 'the peer is not running');
    const { log: signer } = keys;
    const lines = shared().versions.flatMap(({ manifest }) => memberOf(manifest, self) ?? []);
    const logKeys = [signer.publicKey, ...lines.map(({ logKey }) => keyBytes(logKey))];
    const log = this.#log ?? (await NodeLog.open(store, { self, signer, logKeys, verify }));
    this.#log = null; // to be opened anew if something fails
    await this.#settle(log);
    const [entries, count] = [this.#waiting, this.#waiting.length];
    const head = count === 0 ? log.head : await log.append(entries);
    this.#waiting = this.#waiting.slice(count);
    this.#log = log;
    return head;
  }

  async #settle(log: NodeLog): Promise<void> {
    const { shared, self, clock, logger } = this.#ports;
    const { height } = shared().head;
    const anchor = await lastAnchor(shared(), self, this.#settledTo);
    const reason = await log.settle(anchor, Math.floor(clock.nowMs()));
    this.#settledTo = height;
    if (reason === null) return;
    const facts = { reason, log: log.head.log, anchored: anchor?.size ?? 0 };
    const text = "this node's own log is not what it has anchored: another one is begun";
    logger.log('error', text, facts);
  }

  #timed(event: NodeEvent): NodeEntry {
    return { ...event, atMs: Math.max(0, Math.floor(this.#ports.clock.nowMs())) };
  }
}

/** The head in the last update of `self` that stands in the shared log above a height; null when there is none. */
async function lastAnchor(
  shared: SharedLog,
  self: NodeId,
  above: number,
): Promise<NodeLogHead | null> {
  for (let { height } = shared.head; height > Math.max(0, above); height--) {
    const body = (await shared.decision(height))?.body;
    const update = body?.ops
      .flatMap((op) => (op.op === 'CUT' ? op.updates : []))
      .find(({ peer }) => peer === self);
    if (body === undefined || update === undefined) continue;
    const index = firstEntryOf(body) + envelopeDigests(body).indexOf(update.env);
    const [bytes] = await shared.entries(index, index + 1);
    if (bytes !== undefined) return decodeUpdateStatement(bytes).statement.nodeLog;
  }
  return null;
}
