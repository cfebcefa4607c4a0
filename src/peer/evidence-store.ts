/**
 * Evidence on the disk: what convicts a member is kept until the log has it, and beyond. `evidence/<member>.json` is a pair
 * as EVID carries it; `evidence/updates-<round>-<member>.json` two update envelopes of one round, which EVID has no room for;
 * `evidence/sums-<round>-<member>.json` false sums of shards.
 * `retired.json` says that this node's own key must not vote.
 */
import {
  base64,
  fromUtf8,
  messageOf,
  utf8,
  type Logger,
  type NodeId,
  type Store,
} from '../base/index.ts';
import {
  decodeStrict,
  encodeCanonical,
  obj,
  optional,
  readEvidence,
  str,
  verifyEvidence,
  WireError,
  type EpochContext,
  type EvidencePair,
  type SignedSums,
  limits,
} from '../wire/index.ts';

/** What its people must know about a node whose disk went back in time, or whose key is used twice. */
export const retiredText: string =
  'this node does not vote any more: its key has signed votes that its disk does not have. Was the disk restored from a ' +
  'copy, or does a second machine run with the same key? It goes on training and following as an observer; to vote ' +
  'again, the member needs a new consensus key in the manifest';

const prefix = 'evidence/';
const retiredName = 'retired.json';
const retiredBytesMax = 4_096;
const readRetired = obj({ key: optional(str(64)), reason: str(retiredBytesMax) });

/** See the file's header. */
export class EvidenceStore {
  readonly #store: Store;
  readonly #logger: Logger;
  /** By the culprit's index. */
  readonly #pairs = new Map<number, EvidencePair>();

  constructor(store: Store, logger: Logger) {
    this.#store = store;
    this.#logger = logger;
  }

  /** Reads what earlier runs kept; a file that proves nothing under `context` is passed over. */
  async load(context: EpochContext): Promise<void> {
    for (const name of await this.#store.list(prefix)) {
      if (/^evidence\/(?:updates|sums)-/.test(name)) continue;
      const bytes = await this.#store.read(name);
      try {
        const maxBytes = limits.consensusBytesMax.EVIDENCE;
        const pair = readEvidence(decodeStrict(bytes ?? utf8(''), { maxBytes }));
        if (verifyEvidence(pair, context) !== null) this.#pairs.set(pair.a.i, pair);
      } catch (error) {
        if (!(error instanceof WireError)) throw error;
        const facts = { name, reason: messageOf(error) };
        this.#logger.log('warn', 'a file of evidence cannot be read and is passed over', facts);
      }
    }
  }

  /** One pair for each convicted member. */
  pairs(): readonly EvidencePair[] {
    return [...this.#pairs.values()];
  }

  /** Keeps a pair that convicts `culprit`. */
  async keep(culprit: NodeId, pair: EvidencePair): Promise<void> {
    this.#pairs.set(pair.a.i, pair);
    await this.#store.write(`${prefix}${culprit}.json`, encodeCanonical(pair));
    const facts = { culprit, kind: pair.kind, height: pair.a.h };
    this.#logger.log('error', 'a member broke the rules of consensus', facts);
  }

  /** Keeps different envelopes of one author for one round. */
  async keepUpdates(
    author: NodeId,
    round: number,
    envelopes: readonly Uint8Array[],
  ): Promise<void> {
    const facts = { culprit: author, round };
    this.#logger.log('error', 'a member signed two updates for one round', facts);
    const document = { author, round, envelopes: envelopes.map(fromUtf8) };
    await this.#store.write(`${prefix}updates-${round}-${author}.json`, encodeCanonical(document));
  }

  /** Keeps what a reducer signed of the sums of one round: one that is false, or two that differ. */
  async keepSums(reducer: NodeId, round: number, signed: readonly SignedSums[]): Promise<void> {
    const facts = { culprit: reducer, round };
    this.#logger.log('error', 'a member signed a false sum', facts);
    const document = { reducer, round, signed: signed.map((one) => ({ ...one })) };
    await this.#store.write(`${prefix}sums-${round}-${reducer}.json`, encodeCanonical(document));
  }

  /** Whether this key was found to have signed what the disk does not know, now or in an earlier run. */
  async isRetired(consensusKey: Uint8Array): Promise<boolean> {
    const bytes = await this.#store.read(retiredName);
    if (bytes === null) return false;
    try {
      const { key } = readRetired(decodeStrict(bytes, { maxBytes: retiredBytesMax }));
      return key === undefined || key === base64(consensusKey);
    } catch (error) {
      if (error instanceof WireError) return true;
      throw error;
    }
  }

  /** Notes for all later runs that this key must not vote. */
  async retire(reason: string, consensusKey: Uint8Array): Promise<void> {
    await this.#store.write(retiredName, encodeCanonical({ key: base64(consensusKey), reason }));
  }
}
