/**
 * What rounding an update left out, kept for the next one (error feedback): for each stage what all rounds left out that took
 * this node's updates in, and what the last update would leave out, which counts if its round takes it in. Lies in the node's
 * store, so it outlives a crash. docs/decisions/028
 */
import { workName } from '../housekeeping.ts';
import type { RoundContext } from '../round-protocol.ts';

/** Names in the store. */
export interface ResidualFiles {
  readonly from: string;
  readonly into: string;
}

/** See the file's header. */
export class Residual {
  readonly #context: RoundContext;
  readonly #folder: string;

  constructor(context: RoundContext) {
    this.#context = context;
    this.#folder = `residual/${context.stage.id}/`;
  }

  /**
   * For the update of this round: what is to be added to it, and where what it leaves out goes until `keep`; null where
   * nothing is rounded on its way.
   * @param salt of this update alone
   */
  async files(salt: string): Promise<ResidualFiles | null> {
    const { open } = this.#context;
    const { rule } = open;
    if (rule.kind === 'mixing' || rule.compression === undefined) return null;
    await this.#settleEarlier();
    return { from: this.#kept, into: workName(open.r, `residual-${salt}`) };
  }

  /** The update of this round goes out. */
  async keep(files: ResidualFiles | null): Promise<void> {
    const { open, ports } = this.#context;
    if (files !== null) await ports.store.move(files.into, this.#ofRound(open.r));
  }

  /** What the updates of earlier rounds left out counts where the round was sealed with them; else nothing of them was added anywhere. */
  async #settleEarlier(): Promise<void> {
    const { open, ports, fateOfUpdate } = this.#context;
    const rounds = (await ports.store.list(this.#folder))
      .map((name) => Number(name.slice(this.#folder.length)))
      .filter((round) => round < open.r)
      .sort((a, b) => a - b);
    for (const round of rounds) {
      const name = this.#ofRound(round);
      if ((await fateOfUpdate(round)) === 'sealed') await ports.store.move(name, this.#kept);
      else await ports.store.remove(name);
    }
  }

  get #kept(): string {
    return `${this.#folder}kept`;
  }

  #ofRound(round: number): string {
    return `${this.#folder}${round}`;
  }
}
