/** What this node tells the others that it holds: one message for shards that come close together, since each goes to every member. */
import type { CancelTimer, Digest } from '../../../base/index.ts';
import type { UpdateBook } from '../../../gossip/index.ts';
import type { RoundContext } from '../../round-protocol.ts';

/** The shards of one update that this node holds and has checked. */
export interface Holding {
  readonly env: Digest;
  readonly shards: readonly number[];
}

/** See the file's header. */
export class ShardNews {
  readonly #context: RoundContext;
  readonly #book: Pick<UpdateBook, 'heldCount' | 'claimsMax' | 'inState'>;
  readonly #holdings: () => readonly Holding[];
  #takeBack: CancelTimer | null = null;

  /** @param holdings what there is to tell now */
  constructor(
    context: RoundContext,
    book: Pick<UpdateBook, 'heldCount' | 'claimsMax' | 'inState'>,
    holdings: () => readonly Holding[],
  ) {
    this.#context = context;
    this.#book = book;
    this.#holdings = holdings;
  }

  /** Something new is held. Told at once when no further update is to come. */
  saySoon(): void {
    const { open, ports, settings, post } = this.#context;
    this.#takeBack?.();
    this.#takeBack = null;
    if (this.#book.heldCount >= open.participants.length) {
      this.say();
      return;
    }
    this.#takeBack = ports.clock.setTimer(settings.holdsDelayMs, () => {
      post(() => {
        this.say();
      });
    });
  }

  /** Tells all of it. */
  say(): void {
    const { open, broadcast } = this.#context;
    const max = this.#book.claimsMax;
    const locked = this.#book
      .inState('locked')
      .map(({ env }) => env)
      .slice(0, max);
    const groups = this.#groups();
    if (groups.length === 0 && locked.length > 0) {
      broadcast({ t: 'pieces', r: open.r, shards: [], open: [], locked });
    }
    for (const [at, [shards, envs]] of groups.entries()) {
      const both = { open: envs.slice(0, max), locked: at === 0 ? locked : [] };
      broadcast({ t: 'pieces', r: open.r, shards, ...both });
    }
  }

  /** Updates by the shards that are held of them: mostly the same of all. */
  #groups(): [shards: number[], envs: Digest[]][] {
    const groups = new Map<string, [number[], Digest[]]>();
    for (const holding of this.#holdings()) {
      const shards = [...holding.shards].sort((a, b) => a - b);
      if (shards.length === 0) continue;
      const group = groups.get(shards.join()) ?? [shards, []];
      group[1].push(holding.env);
      groups.set(shards.join(), group);
    }
    return [...groups.values()];
  }
}
