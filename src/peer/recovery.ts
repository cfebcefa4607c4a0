/** What a peer knows when it starts, read from its disk: the log and the chain it adds up to, evidence, own votes. */
import { invariant, type Logger, type Store } from '../base/index.ts';
import {
  openConsortiumLog,
  type ConsortiumLog,
  type ConsortiumLogOptions,
} from '../audit/index.ts';
import { recoverWal, type WalRecord } from '../consensus/index.ts';
import type { VerifySignature } from '../crypto/index.ts';
import { bodyDigest, type BlockBody } from '../wire/index.ts';
import { advance, genesisChain, type ChainState } from './chain.ts';
import { loadSnapshot } from './chain-snapshot.ts';
import { epochContext } from './epoch-context.ts';
import { EvidenceStore, retiredText } from './evidence-store.ts';

/** See the file's header. */
export interface Recovered {
  readonly log: ConsortiumLog;
  /** The chain at the log's head. */
  readonly state: ChainState;
  readonly evidence: EvidenceStore;
  /** Whether this node's key must not vote. */
  readonly isRetired: boolean;
  /** Of the height after the head, and later ones. */
  readonly records: readonly WalRecord[];
}

/** How `recover` reads the disk. */
export interface RecoveryOptions {
  readonly store: Store;
  readonly logger: Logger;
  readonly log: ConsortiumLogOptions;
  /** Checks signatures of evidence. */
  readonly verify: VerifySignature;
  /** Hears every block of the log; without it the chain begins at the last snapshot, if one fits. */
  readonly onBlock: ((before: ChainState, body: BlockBody) => Promise<void>) | null;
}

/** @throws {AuditError} 'corrupt_log' and {ConsensusError} 'corrupt_wal' when files do not fit each other */
export async function recover(options: RecoveryOptions): Promise<Recovered> {
  const { store, logger, verify } = options;
  const { consortium } = options.log;
  const log = await openConsortiumLog(store, options.log);
  const state = await chainAtHead(log, options);
  const evidence = new EvidenceStore(store, logger);
  const { suspendedFrom } = state;
  await evidence.load({ ...epochContext(consortium, state.epoch, verify), suspendedFrom });
  const isRetired = await evidence.isRetired();
  if (isRetired) logger.log('error', retiredText);
  const records = await recoverWal(store, state.epoch, state.height + 1);
  return { log, state, evidence, isRetired, records };
}

/** Folds the log's blocks, from the last snapshot that fits them. */
async function chainAtHead(
  log: ConsortiumLog,
  { store, log: { consortium }, onBlock }: RecoveryOptions,
): Promise<ChainState> {
  const { plan } = consortium.manifest;
  const snapshot = await loadSnapshot(store, consortium.cid, plan);
  const block = snapshot === null ? null : await log.decision(snapshot.height);
  const fits = block !== null && bodyDigest(block.body) === snapshot?.prev;
  let state = fits && onBlock === null ? snapshot : genesisChain(plan);
  for (let at = state.height + 1; at <= log.head.height; at++) {
    const held = await log.decision(at);
    invariant(held !== null, 'the log holds every height up to its head');
    const before = state;
    state = advance(before, held.body, plan);
    await onBlock?.(before, held.body);
  }
  return state;
}
