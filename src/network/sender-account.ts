/**
 * What one member costs us, over all topics and streams. Work is counted by a list of prices, not by the clock: on a
 * loaded machine an honest sender costs no more than on an idle one. The prices are what docs/specs/network.md measured.
 *
 * Above its share of work a member is slowed down: direct messages and requests are read later, broadcasts are passed
 * over. Faults are what no honest member sends; they are forgiven one a second, and with too many at once the account
 * is closed: the owner hangs up.
 */
import type { NetworkSettings } from './settings.ts';
import { TokenBucket } from './token-bucket.ts';

/** Milliseconds of one processor. */
export const prices: Readonly<Record<'message' | 'kib' | 'signature' | 'stream', number>> =
  Object.freeze({
    /** A message, whatever it says. */
    message: 0.1,
    /** Each KiB of it: decryption, decoding, a digest. */
    kib: 0.02,
    /** An Ed25519 signature verified. */
    signature: 0.1,
    /** A stream opened, a request for a blob answered. */
    stream: 1,
  });

/**
 * A broadcast above the rate, in faults. After a stall of 20 s (a longer one loses the connection) an honest author at
 * 0.9 of 20/s has 405 broadcasts waiting for us: 50 are within the burst, the rest are 35.5 faults, below 40.
 */
const excessFaults = 0.1;
/** Faults forgiven a second. */
const forgivenPerSecond = 1;

/** Counted since an episode began. */
export interface SenderCounts {
  messages: number;
  bytes: number;
  signatures: number;
  /** Refused, because something no honest member sends was in them. */
  refused: number;
  /** Broadcasts passed over unread, because they were too many. */
  dropped: number;
}

/** See the file header. Times are milliseconds of any clock that does not fall. */
export class SenderAccount {
  readonly #broadcasts: TokenBucket;
  readonly #messages: TokenBucket;
  readonly #work: TokenBucket;
  readonly #faults: TokenBucket;
  readonly #bulk: TokenBucket;
  readonly #counts: SenderCounts = noCounts();

  constructor(settings: NetworkSettings, nowMs: number) {
    const bucket = (perSecond: number, burst: number): TokenBucket =>
      new TokenBucket({ perSecond, burst, nowMs });
    const { broadcastsPerSecond, broadcastBurst, messagesPerSecond } = settings;
    const { senderWorkMsPerSecond, senderWorkMsBurst } = settings;
    this.#broadcasts = bucket(broadcastsPerSecond, broadcastBurst);
    this.#messages = bucket(messagesPerSecond, messagesPerSecond);
    this.#work = bucket(senderWorkMsPerSecond, senderWorkMsBurst);
    this.#faults = bucket(forgivenPerSecond, settings.senderFaultsMax);
    const { transferBytesPerSecondMax } = settings;
    this.#bulk = bucket(transferBytesPerSecondMax, transferBytesPerSecondMax);
  }

  /** Counted since the last `clearCounts`. */
  get counts(): Readonly<SenderCounts> {
    return this.#counts;
  }

  /** An episode begins: what came before it is not counted with it. */
  clearVolume(): void {
    Object.assign(this.#counts, { messages: 0, bytes: 0, signatures: 0 });
  }

  /** An episode is over. */
  clearCounts(): void {
    Object.assign(this.#counts, noCounts());
  }

  /** A broadcast came. 'taken' it is within the author's share, 'dropped' it is not, 'closed' nor were too many before. */
  broadcast(nowMs: number, bytes: number): 'taken' | 'dropped' | 'closed' {
    const isWithinRate = this.#broadcasts.take(nowMs);
    if (isWithinRate && this.#work.waitMs(nowMs, 0) === 0) {
      this.#spendMessage(nowMs, bytes);
      return 'taken';
    }
    return this.excess(nowMs) ? 'dropped' : 'closed';
  }

  /** A broadcast is passed over unread. Returns whether the account stays open. */
  excess(nowMs: number): boolean {
    this.#counts.dropped += 1;
    return this.#faults.spend(nowMs, excessFaults);
  }

  /** How long a direct message or a request of this member has to wait for its turn. */
  waitMs(nowMs: number): number {
    return Math.max(this.#work.waitMs(nowMs, 0), this.#messages.waitMs(nowMs));
  }

  /** A direct message has its turn. */
  direct(nowMs: number, bytes: number): void {
    this.#messages.take(nowMs);
    this.#spendMessage(nowMs, bytes);
  }

  /** A stream was opened. */
  stream(nowMs: number): void {
    this.#work.spend(nowMs, prices.stream);
  }

  /** Signatures of this member's messages were verified. */
  signatures(nowMs: number, count: number): void {
    this.#counts.signatures += count;
    this.#work.spend(nowMs, count * prices.signature);
  }

  /** Something no honest member sends. Returns whether the account stays open. */
  fault(nowMs: number): boolean {
    this.#counts.refused += 1;
    return this.#faults.spend(nowMs, 1);
  }

  /** `bytes` of a blob are to be sent to this member. Returns how long to wait before more. */
  bulk(nowMs: number, bytes: number): number {
    this.#bulk.spend(nowMs, bytes);
    return this.#bulk.waitMs(nowMs, 0);
  }

  #spendMessage(nowMs: number, bytes: number): void {
    this.#counts.messages += 1;
    this.#counts.bytes += bytes;
    this.#work.spend(nowMs, prices.message + (bytes / 1024) * prices.kib);
  }
}

function noCounts(): SenderCounts {
  return { messages: 0, bytes: 0, signatures: 0, refused: 0, dropped: 0 };
}
