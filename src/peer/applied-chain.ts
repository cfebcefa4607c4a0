/** The chain as one node has applied it, and the decided blocks that wait to be applied, oldest first. */
import {
  doNow,
  messageOf,
  type Digest,
  type Logger,
  type PureWork,
  type Store,
} from '../base/index.ts';
import { envelopeDigests, type ConsortiumLog } from '../audit/index.ts';
import type { Decision } from '../consensus/index.ts';
import type { ContentStore } from '../gossip/index.ts';
import { decodeBlockBody, limits, type BlockBody, type Json, type Plan } from '../wire/index.ts';
import { advance, type ChainState } from './chain.ts';
import { snapshotHeights, writeSnapshot } from './chain-snapshot.ts';

/** What `AppliedChain` works with. */
export interface AppliedChainPorts {
  readonly cid: Digest;
  readonly plan: Plan;
  readonly log: Pick<ConsortiumLog, 'appendHeight'>;
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
    this.#waiting.push({ body: block, certificate, envelopes: null, isFetching: false });
  }

  /** Applies what waits. @returns false when envelopes of a block are not here: they are fetched beside the queue */
  async apply(): Promise<boolean> {
    const { log, store, cid, plan } = this.#ports;
    for (let [next] = this.#waiting; next !== undefined; [next] = this.#waiting) {
      const { body } = next;
      const envelopes = this.#ports.envelopesHere(body) ?? next.envelopes;
      if (envelopes === null) {
        this.#fetchEnvelopes(next);
        return false;
      }
      const certificate = next.certificate as unknown as Json;
      await log.appendHeight({ body, certificate }, envelopes);
      const before = this.#state;
      this.#state = advance(before, body, plan);
      this.#waiting.shift();
      if (body.h % snapshotHeights === 0) await writeSnapshot(store, cid, this.#state);
      await this.#ports.onApplied(before, body);
    }
    return true;
  }

  /** From the disk or the peers. A failed fetch is begun again by the next `apply`. */
  #fetchEnvelopes(block: Waiting): void {
    if (block.isFetching) return;
    block.isFetching = true;
    const { content, logger, onEnvelopes } = this.#ports;
    const wanted = envelopeDigests(block.body).map((digest) =>
      content.obtainBytes(digest, limits.entryBytesMax, null),
    );
    void Promise.all(wanted).then(
      (envelopes) => {
        block.envelopes = envelopes;
        onEnvelopes();
      },
      (error: unknown) => {
        block.isFetching = false;
        const facts = { height: block.body.h, reason: messageOf(error) };
        logger.log('warn', 'an envelope of a decided block is not here yet', facts);
      },
    );
  }
}
