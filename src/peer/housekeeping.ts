/**
 * What months of running would pile up, removed by policy: write-ahead records of heights that a quorum has cosigned,
 * own updates, envelopes and bulk of old rounds. The log itself is never shortened, and has the envelopes of all rounds.
 */
import { messageOf, type Digest, type Logger, type Store } from '../base/index.ts';
import type { ConsortiumLog } from '../audit/index.ts';
import { removeWalBelow } from '../consensus/index.ts';
import type { ContentStore, RoundOfBlob } from '../gossip/index.ts';
import { decodeReport, decodeUpdateStatement, limits, WireError } from '../wire/index.ts';
import type { ChainState } from './chain.ts';
import type { PeerSettings } from './settings.ts';

/** Where a node remembers its own update of a round. */
export function ownUpdateName(round: number): string {
  return `own/${round}.env`;
}

/** Where a round's own work leaves a large file until it has its name by digest, or the round is over. */
export function workName(round: number, what: string): string {
  return `work/${round}/${what}`;
}

/** What is removed with the updates of a round: their bulk, and the envelopes, which the log has by then. */
export function updateOf(round: number): RoundOfBlob {
  return { round, kind: 'update' };
}

/** What `tidyDisk` looks at. */
export interface Housekeeping {
  readonly store: Store;
  readonly content: ContentStore;
  readonly state: ChainState;
  /** Up to here a quorum has cosigned the log. */
  readonly cosignedHeight: number;
  readonly settings: Pick<PeerSettings, 'updateRoundsKept' | 'modelRoundsKept' | 'bulkBytesMax'>;
}

/** Removes what the settings do not keep. A crash in between leaves work for the next time. */
export async function tidyDisk(options: Housekeeping): Promise<void> {
  const { store, content, state, settings } = options;
  // Until then its records may be the only proof of who signed two things.
  await removeWalBelow(store, options.cosignedHeight + 1);
  const kept = new Set([state.round, state.round - 1].map(ownUpdateName));
  for (const name of await store.list('own/')) if (!kept.has(name)) await store.remove(name);
  const { phase, models, bases, round } = state;
  const isUnderWay = phase.kind === 'open' || phase.kind === 'cut';
  for (const name of await store.list('work/')) {
    if (!isUnderWay || !name.startsWith(workName(round, ''))) await store.remove(name);
  }
  const needed = new Set<Digest>([...models.values(), ...bases.values()]);
  if (isUnderWay) needed.add(phase.open.base);
  const { updateRoundsKept: updateRounds, modelRoundsKept: modelRounds } = settings;
  const rule = { updateRounds, modelRounds, bytesMax: settings.bulkBytesMax };
  await content.prune(rule, round, (digest) => needed.has(digest));
}

/** The round of an envelope that was kept without one; null for what is none: a manifest. */
function roundOfEnvelope(bytes: Uint8Array): RoundOfBlob | null {
  for (const decode of [decodeUpdateStatement, decodeReport]) {
    try {
      return updateOf(decode(bytes).statement.round);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
    }
  }
  return null;
}

/** What a `Housekeeper` works with. */
export interface HousekeeperPorts extends Pick<Housekeeping, 'store' | 'content' | 'settings'> {
  readonly log: Pick<ConsortiumLog, 'cosignedSize'>;
  readonly logger: Logger;
}

/** Tidies beside the peer's queue, one run at a time, and knows up to which height the log is cosigned. */
export class Housekeeper {
  readonly #ports: HousekeeperPorts;
  /** Size of the log after each height that was applied since the start, from the last cosigned one on. */
  #heads: { readonly height: number; readonly size: number }[] = [];
  #isTidying = false;
  /** Whether envelopes have been looked for that earlier versions kept for ever. */
  #hasLooked = false;

  constructor(ports: HousekeeperPorts) {
    this.#ports = ports;
  }

  /** A block was applied. @param size entries of the log after it */
  applied(height: number, size: number): void {
    this.#heads.push({ height, size });
  }

  /** Begins to remove what is too old, unless that is under way. A failure is logged. */
  tidy(state: ChainState): void {
    if (this.#isTidying) return;
    this.#isTidying = true;
    const { logger, ...ports } = this.#ports;
    const cosignedHeight = this.#cosignedHeight();
    void this.#assignEnvelopes()
      .then(() => tidyDisk({ ...ports, state, cosignedHeight }))
      .catch((error: unknown) => {
        logger.log('warn', 'old files could not be removed', { reason: messageOf(error) });
      })
      .finally(() => {
        this.#isTidying = false;
      });
  }

  async #assignEnvelopes(): Promise<void> {
    if (this.#hasLooked) return;
    await this.#ports.content.assignRounds(limits.entryBytesMax, roundOfEnvelope);
    this.#hasLooked = true;
  }

  /** The last height, of those applied since the start, under a checkpoint that a quorum has cosigned. */
  #cosignedHeight(): number {
    const { cosignedSize } = this.#ports.log;
    const height = this.#heads.filter(({ size }) => size <= cosignedSize).at(-1)?.height ?? 0;
    this.#heads = this.#heads.filter((head) => head.height >= height);
    return height;
  }
}
