/** The bulk of a round's updates: fetched by digest, hastened where a transfer drags on, and checked. */
import type { Digest, NodeId } from '../../base/index.ts';
import {
  contentName,
  GossipError,
  updateBytesOf,
  type AveragingRule,
  type UpdateBook,
  type UpdateFacts,
  type UpdateFile,
} from '../../gossip/index.ts';
import { parameterCount } from '../../weights/index.ts';
import { bulkContext, openHandedKey, openUpdateKey } from '../../wire/index.ts';
import type { RoundContext } from '../round-protocol.ts';
import { ruleOf } from './round-start.ts';

/** A transfer not over after so long is gone on with elsewhere, ms; twice as long until the next time. */
const hastenAfterMs = 30_000;

/** What of a round the opening of its updates needs. */
export type OpeningContext = Pick<
  RoundContext,
  'open' | 'stage' | 'self' | 'consortium' | 'keys' | 'ports' | 'content' | 'models' | 'record'
>;

/** How a round comes to hold an update whose envelope is here. */
export interface Opening {
  /** As `UpdateOpening.open`. */
  open(facts: UpdateFacts, handed?: HandedKey): Promise<Uint8Array | null>;
  /** As `UpdateOpening.fetch`. */
  fetch(facts: UpdateFacts): Promise<void>;
  /** As `UpdateOpening.hasten`. */
  hasten(facts: UpdateFacts): void;
}

/** The key of an update as another member encrypted it to us. */
export interface HandedKey {
  readonly from: NodeId;
  readonly sealed: Uint8Array;
}

/** An update's ciphertext as it lies in the store, under its key. */
export function updateFile(
  { upd, weight, heads, statement }: UpdateFacts,
  key: Uint8Array,
): UpdateFile {
  const weights = { weight, heads };
  return {
    ciphertext: contentName(upd),
    digest: upd,
    key,
    context: bulkContext(statement),
    weights,
  };
}

/** See the file's header. */
export class UpdateOpening implements Opening {
  readonly #context: OpeningContext;
  readonly #book: UpdateBook;
  readonly #rule: AveragingRule;
  /** When a bulk under way is gone on with elsewhere, and after how long that was. */
  readonly #hastening = new Map<Digest, { atMs: number; afterMs: number }>();

  constructor(context: OpeningContext, book: UpdateBook) {
    this.#context = context;
    this.#book = book;
    this.#rule = ruleOf(context);
  }

  /**
   * Fetches the bulk and checks all of it, with the author's key or one that was handed over.
   *
   * @returns the key, or null when it is not the update's: the author encrypted something else for this member, whom others
   * may help
   * @throws {GossipError} when nobody has it, or when it is no update for anybody: the book then has it as `spoilt`
   */
  async open(facts: UpdateFacts, handed?: HandedKey): Promise<Uint8Array | null> {
    const { ports, models, stage } = this.#context;
    const { upd, author, statement } = facts;
    const { updateBytes } = statement;
    const layout = await models.layout(stage);
    const expected = updateBytesOf(this.#rule, parameterCount(layout));
    if (expected !== null && updateBytes !== expected) {
      throw this.#spoilt(facts, `expected an update of ${expected} bytes, got ${updateBytes}`);
    }
    await this.fetch(facts);
    const key = await this.#keyOf(facts, handed);
    if (key === null) return null;
    const file = updateFile(facts, key);
    const outcome = await ports.averager.check({ ...file, layout, updateBytes, rule: this.#rule });
    switch (outcome.kind) {
      case 'fits':
        return key;
      case 'wrong_key':
        return null;
      case 'bad':
        throw this.#spoilt(facts, outcome.reason);
      case 'damaged':
        // The next `obtain` sees it too, and mends it.
        throw new GossipError(
          { code: 'blob_mismatch', digest: upd, from: 'the disk' },
          `the update of ${author} on the disk does not have its hash`,
        );
    }
  }

  /** It is no update for anybody. */
  #spoilt({ author, env }: UpdateFacts, reason: string): GossipError {
    const { r: round } = this.#context.open;
    if (this.#book.stateOf(env) !== 'spoilt') {
      const event = 'update-refused';
      this.#context.record.note({ event, round, reason: 'bad_bulk', env, author });
    }
    this.#book.mark(env, 'spoilt');
    return new GossipError(
      { code: 'bad_update', author, round, reason },
      `update of ${author} for round ${round}: ${reason}`,
    );
  }

  /** Sees to it that the bulk is on the disk, sound. @throws {GossipError} when nobody has it */
  async fetch({ upd, author, statement }: UpdateFacts): Promise<void> {
    const { content, open } = this.#context;
    await content.obtain(upd, statement.updateBytes, author, { round: open.r, kind: 'update' });
  }

  #keyOf({ statement }: UpdateFacts, handed?: HandedKey): Promise<Uint8Array | null> {
    const { self: to, keys, ports } = this.#context;
    const { sealing } = ports.crypto;
    if (handed === undefined) return openUpdateKey(statement, to, keys.sealPrivate, sealing);
    const parties = { from: handed.from, to };
    return openHandedKey(statement, parties, keys.sealPrivate, handed.sealed, sealing);
  }

  /** An author may be quick with some and slow with others, who then get its update from the quick ones. */
  hasten({ author, env, upd }: UpdateFacts): void {
    const { self, content, ports } = this.#context;
    const nowMs = ports.clock.nowMs();
    const next = this.#hastening.get(upd) ?? {
      atMs: nowMs + hastenAfterMs,
      afterMs: hastenAfterMs,
    };
    this.#hastening.set(upd, next);
    const helpers = this.#book.helpers({ author, env }, self);
    const first = helpers[ports.random.integer(Math.max(1, helpers.length))];
    if (nowMs < next.atMs || first === undefined) return;
    const afterMs = 2 * next.afterMs;
    this.#hastening.set(upd, { atMs: nowMs + afterMs, afterMs });
    content.hasten(upd, { first, shunned: author });
  }
}
