/** The chain as one node has applied it, and the decided blocks that wait to be applied, oldest first. */
import {
  doNow,
  invariant,
  messageOf,
  type Digest,
  type Logger,
  type PureWork,
  type Store,
} from '../base/index.ts';
import { envelopeDigests, type ConsortiumLog } from '../audit/index.ts';
import type { Decision } from '../consensus/index.ts';
import type { ContentStore } from '../gossip/index.ts';
import {
  decodeBlockBody,
  limits,
  membershipOf,
  restartBlock,
  unvoted,
  type BlockBody,
  type Json,
  type SignedManifest,
  type SuccessorCheck,
} from '../wire/index.ts';
import { advance, type ChainState } from './chain.ts';
import { snapshotHeights, writeSnapshot } from './chain-snapshot.ts';
import { updateOf } from './housekeeping.ts';

/** What `AppliedChain` works with. */
export interface AppliedChainPorts {
  readonly cid: Digest;
  readonly log: Pick<
    ConsortiumLog,
    'appendHeight' | 'versions' | 'consortium' | 'head' | 'decision' | 'logAfter'
  >;
  /** Opens the version of the manifest that a MEMBER names. */
  readonly succeed: SuccessorCheck;
  readonly store: Store;
  readonly content: Pick<ContentStore, 'obtainBytes'>;
  readonly logger: Logger;
  /** `doNow` when absent. */
  readonly pure?: PureWork;
  /** The envelopes that a block names, if the round has them all; null otherwise. */
  readonly envelopesHere: (body: BlockBody) => Uint8Array[] | null;
  /** What a block lacked has come: `apply` would go on. */
  readonly onEnvelopes: () => void;
  /** A block was applied to `before`. The next one waits until this is done. */
  readonly onApplied: (before: ChainState, body: BlockBody) => Promise<void>;
}

/** A decided block that waits to be applied. */
interface Waiting {
  readonly body: BlockBody;
  readonly certificate: Decision['certificate'];
  /** What its cut names, once it was fetched. */
  envelopes: Uint8Array[] | null;
  /** The envelope of the manifest that its MEMBER names, once it was fetched. */
  manifest: Uint8Array | null;
  isFetching: boolean;
}

/** See the file's header. */
export class AppliedChain {
  readonly #ports: AppliedChainPorts;
  readonly #waiting: Waiting[] = [];
  #state: ChainState;

  /** @param state what the log adds up to */
  constructor(state: ChainState, ports: AppliedChainPorts) {
    this.#state = state;
    this.#ports = ports;
  }

  /** What the applied blocks add up to. */
  get state(): ChainState {
    return this.#state;
  }

  /** Whether all decided blocks are applied. */
  get isLevel(): boolean {
    return this.#waiting.length === 0;
  }

  /** Whether `height` is the one to be decided next, and all before it are applied. */
  isNext(height: number): boolean {
    return this.isLevel && height === this.#state.height + 1;
  }

  /** Takes a decided block, to be applied by `apply`. */
  add({ body, certificate }: Decision): void {
    const { pure = doNow } = this.#ports;
    const block = pure(decodeBlockBody, body);
    const nothing = { envelopes: null, manifest: null, isFetching: false };
    this.#waiting.push({ body: block, certificate, ...nothing });
  }

  /** Applies what waits. @returns false when something that a block names is not here: it is fetched beside the queue */
  async apply(): Promise<boolean> {
    const { log, store, cid } = this.#ports;
    for (let [next] = this.#waiting; next !== undefined; [next] = this.#waiting) {
      const { body } = next;
      const envelopes = this.#ports.envelopesHere(body) ?? next.envelopes;
      const change = membershipOf(body);
      if (envelopes === null || (change !== null && next.manifest === null)) {
        this.#fetch(next);
        return false;
      }
      const certificate = next.certificate as unknown as Json;
      const manifest =
        next.manifest === null ? null : this.#ports.succeed(log.consortium, next.manifest);
      await log.appendHeight({ body, certificate }, envelopes, manifest);
      const before = this.#state;
      this.#state = advance(before, body, log.versions);
      this.#waiting.shift();
      if (body.h % snapshotHeights === 0) await writeSnapshot(store, cid, this.#state);
      await this.#ports.onApplied(before, body);
    }
    return true;
  }

  /** Goes on without votes from the log as it is, by a restart that names its last block. */
  async restart(signed: SignedManifest): Promise<void> {
    const { log } = this.#ports;
    const last = await log.decision(log.head.height);
    invariant(this.isLevel && last !== null, 'a restart goes on from the last block');
    const { version } = signed.manifest;
    const rootAfter = (block: Omit<BlockBody, 'log'>): Digest => log.logAfter(block, []).root;
    const body = restartBlock(last.body, version, signed.bytes, rootAfter);
    const certificate = unvoted(body) as unknown as Json;
    await log.appendHeight({ body, certificate }, [], signed);
    const before = this.#state;
    this.#state = advance(before, body, log.versions);
    await this.#ports.onApplied(before, body);
  }

  /** From the disk or the peers. A failed fetch is begun again by the next `apply`. */
  #fetch(block: Waiting): void {
    if (block.isFetching) return;
    block.isFetching = true;
    const { content, logger, onEnvelopes } = this.#ports;
    const change = membershipOf(block.body);
    // All of one round: once it is over they stand in the log, and go with its bulk.
    const round = block.body.ops.find(({ op }) => op === 'CUT' || op === 'SEAL');
    const of = round !== undefined && 'r' in round ? updateOf(round.r) : null;
    const envelopes = envelopeDigests(block.body).map((digest) =>
      content.obtainBytes(digest, limits.entryBytesMax, null, of),
    );
    const manifest =
      change === null
        ? null
        : content.obtainBytes(change.manifest, limits.manifestBytesMax, null, null);
    void Promise.all([Promise.all(envelopes), manifest]).then(
      ([ofCut, ofMember]) => {
        block.envelopes = ofCut;
        block.manifest = ofMember;
        onEnvelopes();
      },
      (error: unknown) => {
        block.isFetching = false;
        const facts = { height: block.body.h, reason: messageOf(error) };
        logger.log('warn', 'what a decided block names is not here yet', facts);
      },
    );
  }
}
