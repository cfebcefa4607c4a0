/**
 * What months of running would pile up, removed by policy: write-ahead records of heights that a quorum has cosigned,
 * own updates and bulk of old rounds. The log itself is never shortened.
 */
import type { Digest, Store } from '../base/index.ts';
import { removeWalBelow } from '../consensus/index.ts';
import type { BlobShelf } from '../gossip/index.ts';
import type { ChainState } from './chain.ts';
import type { PeerSettings } from './settings.ts';

/** Where a node remembers its own update of a round. */
export function ownUpdateName(round: number): string {
  return `own/${round}.env`;
}

/** What `tidyDisk` looks at. */
export interface Housekeeping {
  readonly store: Store;
  readonly shelf: BlobShelf;
  readonly epoch: number;
  readonly state: ChainState;
  /** Up to here a quorum has cosigned the log. */
  readonly cosignedHeight: number;
  readonly settings: Pick<PeerSettings, 'updateRoundsKept' | 'modelRoundsKept' | 'bulkBytesMax'>;
}

/** Removes what the settings do not keep. A crash in between leaves work for the next time. */
export async function tidyDisk(options: Housekeeping): Promise<void> {
  const { store, shelf, epoch, state, settings } = options;
  // Until then its records may be the only proof of who signed two things.
  await removeWalBelow(store, epoch, options.cosignedHeight + 1);
  const kept = new Set([state.round, state.round - 1].map(ownUpdateName));
  for (const name of await store.list('own/')) if (!kept.has(name)) await store.remove(name);
  const { phase, models, bases, round } = state;
  const needed = new Set<Digest>([...models.values(), ...bases.values()]);
  if (phase.kind === 'open' || phase.kind === 'cut') needed.add(phase.open.base);
  const { updateRoundsKept: updateRounds, modelRoundsKept: modelRounds } = settings;
  const rule = { updateRounds, modelRounds, bytesMax: settings.bulkBytesMax };
  await shelf.prune(rule, round, (digest) => needed.has(digest));
}
