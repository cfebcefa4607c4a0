/** What a peer knows when it starts, read from its disk: the log and the chain it adds up to, evidence, own votes. */
import { invariant, type Logger, type Store } from '../base/index.ts';
import {
  openConsortiumLog,
  type ConsortiumLog,
  type ConsortiumLogOptions,
} from '../audit/index.ts';
import { recoverWal, type WalRecord } from '../consensus/index.ts';
import type { VerifySignature } from '../crypto/index.ts';
import {
  bodyDigest,
  verifySuccessor,
  type BlockBody,
  type Plan,
  type SignedManifest,
} from '../wire/index.ts';
import type { ContentStore } from '../gossip/index.ts';
import { advance, genesisChain, type ChainState } from './chain.ts';
import { loadSnapshot } from './chain-snapshot.ts';
import { epochContext } from './epoch-context.ts';
import { EvidenceStore, retiredText } from './evidence-store.ts';
import { PendingManifests } from './pending-manifests.ts';
import { Restarts } from './restarts.ts';

/** See the file's header. */
export interface Recovered {
  readonly log: ConsortiumLog;
  /** The chain at the log's head. */
  readonly state: ChainState;
  readonly evidence: EvidenceStore;
  /** Versions of the manifest that wait to be decided. */
  readonly pending: PendingManifests;
  /** A restart that waits for this log to come to its block. */
  readonly restarts: Restarts;
  /** Whether this node's key must not vote. */
  readonly isRetired: boolean;
  /** Of the height after the head, and later ones. */
  readonly records: readonly WalRecord[];
}

/** Hears of a block of the log. @param versions of the manifest by number */
export type ToldBlock = (
  before: ChainState,
  body: BlockBody,
  versions: readonly SignedManifest[],
) => Promise<void>;

/** How `recover` reads the disk. */
export interface RecoveryOptions {
  readonly store: Store;
  readonly logger: Logger;
  readonly content: Pick<ContentStore, 'put' | 'remove' | 'obtainBytes' | 'readAlso'>;
  readonly log: ConsortiumLogOptions;
  /** This node's, public. */
  readonly consensusKey: Uint8Array;
  /** Why this machine cannot carry out a plan; null when it can. */
  readonly refusalOf: (plan: Plan) => string | null;
  /** Checks signatures of evidence. */
  readonly verify: VerifySignature;
  /** Hears every block of the log; without it the chain begins at the last snapshot, if one fits. */
  readonly onBlock: ToldBlock | null;
}

/** @throws {AuditError} 'corrupt_log' and {ConsensusError} 'corrupt_wal' when files do not fit each other */
export async function recover(options: RecoveryOptions): Promise<Recovered> {
  const { store, logger, content, verify } = options;
  const log = await openConsortiumLog(store, options.log);
  content.readAlso((digest) => log.envelope(digest));
  const state = await chainAtHead(log, options);
  const evidence = new EvidenceStore(store, logger);
  const { suspendedFrom } = state;
  await evidence.load({ ...epochContext(log.consortium, state.epoch, verify), suspendedFrom });
  const check = options.log.succeed ?? verifySuccessor;
  const waiting = { store, content, logger, inForce: log.consortium, check };
  const { refusalOf } = options;
  const pending = await PendingManifests.load({ ...waiting, refusalOf });
  const known = options.log.known ?? [];
  const restarts = await Restarts.load({ store, logger, log, check, known, refusalOf });
  const isRetired = await evidence.isRetired(options.consensusKey);
  if (isRetired) logger.log('error', retiredText);
  const records = await recoverWal(store, state.epoch, state.height + 1);
  return { log, state, evidence, pending, restarts, isRetired, records };
}

/** Folds the log's blocks, from the last snapshot that fits them. */
async function chainAtHead(
  log: ConsortiumLog,
  { store, log: { consortium }, onBlock }: RecoveryOptions,
): Promise<ChainState> {
  const { versions } = log;
  const snapshot = await loadSnapshot(store, consortium.cid, versions);
  const block = snapshot === null ? null : await log.decision(snapshot.height);
  const fits = block !== null && bodyDigest(block.body) === snapshot?.prev;
  let state = fits && onBlock === null ? snapshot : genesisChain(consortium.manifest.plan);
  for (let at = state.height + 1; at <= log.head.height; at++) {
    const held = await log.decision(at);
    invariant(held !== null, 'the log holds every height up to its head');
    const before = state;
    state = advance(before, held.body, versions);
    await onBlock?.(before, held.body, versions);
  }
  return state;
}
