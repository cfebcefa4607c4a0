/** The bulk of a round's updates: fetched by digest, hastened where a transfer drags on, and opened. */
import type { Digest } from '../../../base/index.ts';
import {
  GossipError,
  openUpdate,
  type OpenedUpdate,
  type Segment,
  type UpdateBook,
  type UpdateBulk,
  type UpdateFacts,
} from '../../../gossip/index.ts';
import type { RoundContext } from '../../round-protocol.ts';
import { ruleOf } from './round-start.ts';

/** A transfer not over after so long is begun once more elsewhere, ms; twice as long until the next time. */
const hastenAfterMs = 30_000;

/** What of a round the opening of its updates needs. */
export type OpeningContext = Pick<
  RoundContext,
  'open' | 'self' | 'consortium' | 'keys' | 'ports' | 'shelf'
>;

/** See the file's header. */
export class UpdateOpening {
  readonly #context: OpeningContext;
  readonly #book: UpdateBook;
  readonly #segments: () => Promise<readonly Segment[]>;
  /** When a bulk under way is begun once more elsewhere, and after how long that was. */
  readonly #hastening = new Map<Digest, { atMs: number; afterMs: number }>();

  /** @param segments of the stage's model */
  constructor(
    context: OpeningContext,
    book: UpdateBook,
    segments: () => Promise<readonly Segment[]>,
  ) {
    this.#context = context;
    this.#book = book;
    this.#segments = segments;
  }

  /**
   * Fetches the bulk and opens it with the author's key, or with one that was handed over; null when the key does not fit.
   * @throws {GossipError} when nobody has it, or when it is no update for anybody: the book then has it as `spoilt`
   */
  async open(facts: UpdateFacts, handed?: UpdateBulk['handed']): Promise<OpenedUpdate | null> {
    const { shelf, keys, self: recipient, ports } = this.#context;
    const { upd, author, statement } = facts;
    const of = { round: this.#context.open.r, kind: 'update' } as const;
    const ciphertext = await shelf.obtain(upd, statement.updateBytes, author, of);
    const segments = await this.#segments();
    const { sealPrivate } = keys;
    const { sealing } = ports.crypto;
    const rule = ruleOf(this.#context);
    const bulk = { rule, facts, recipient, ciphertext, segments, sealPrivate, sealing };
    try {
      return await openUpdate(handed === undefined ? bulk : { ...bulk, handed });
    } catch (error) {
      if (error instanceof GossipError) this.#book.mark(facts.env, 'spoilt');
      throw error;
    }
  }

  /** An author may be quick with some and slow with others, who then get its update from the quick ones. */
  hasten({ author, env, upd, statement }: UpdateFacts): void {
    const { self, shelf, ports } = this.#context;
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
    shelf.hasten(upd, statement.updateBytes, { first, shunned: author });
  }
}
