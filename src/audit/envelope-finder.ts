/**
 * Which height of a log brought an envelope in: nodes keep the envelopes of old rounds in the log alone, and a member that was
 * away asks for them by digest. Made at the first question, by reading every decision once; from then on the new ones only.
 * 20 000 decisions take 2 s of processor time, in small pieces.
 */
import type { Digest, Store } from '../base/index.ts';
import {
  decisionName,
  envelopeDigests,
  firstEntryOf,
  logPrefix,
  type Decision,
} from './log-files.ts';

/** Fields of decisions that name envelopes (`envelopeDigests`). What else they find is sorted out where it is read. */
const namesForm = /"(?:env|report)":"([0-9a-f]{64})"/g;

/** What `EnvelopeFinder` reads. */
export interface FinderPorts {
  readonly store: Pick<Store, 'read'>;
  /** Height of the last decision. */
  readonly lastHeight: () => number;
  readonly decision: (height: number) => Promise<Decision | null>;
  readonly entries: (from: number, to: number) => Promise<Uint8Array[]>;
}

/** See the file's header. */
export class EnvelopeFinder {
  readonly #ports: FinderPorts;
  /** Heights by the first 52 bits of a digest: some 70 bytes an envelope. Several where these bits are the same. */
  readonly #heights = new Map<number, number | readonly number[]>();
  #readTo = 0;
  #reading: Promise<void> = Promise.resolve();

  constructor(ports: FinderPorts) {
    this.#ports = ports;
  }

  /** The envelope with this digest; null when no block brought it in. */
  async find(digest: Digest): Promise<Uint8Array | null> {
    const readOn = (): Promise<void> => this.#readOn();
    // What the disk did not give to an earlier question is asked for again.
    this.#reading = this.#reading.then(readOn, readOn);
    await this.#reading;
    for (const height of [this.#heights.get(keyOf(digest)) ?? []].flat()) {
      const body = (await this.#ports.decision(height))?.body;
      const at = body === undefined ? -1 : envelopeDigests(body).indexOf(digest);
      if (body === undefined || at < 0) continue;
      const index = firstEntryOf(body) + at;
      return (await this.#ports.entries(index, index + 1))[0] ?? null;
    }
    return null;
  }

  async #readOn(): Promise<void> {
    const last = this.#ports.lastHeight();
    while (this.#readTo < last) {
      const height = this.#readTo + 1;
      const bytes = await this.#ports.store.read(logPrefix + decisionName(height));
      const text = bytes === null ? '' : new TextDecoder('latin1').decode(bytes);
      for (const [, digest] of text.matchAll(namesForm))
        this.#note(keyOf(digest as Digest), height);
      this.#readTo = height;
    }
  }

  #note(key: number, height: number): void {
    const known = [this.#heights.get(key) ?? []].flat();
    if (!known.includes(height))
      this.#heights.set(key, known.length === 0 ? height : [...known, height]);
  }
}

/** As many bits as a number holds exactly. */
function keyOf(digest: Digest): number {
  return Number.parseInt(digest.slice(0, 13), 16);
}
