/** Work of one round beside the peer's queue: a failure is logged, and the next tick asks for the work again. */
import { messageOf, type Digest, type Logger } from '../../base/index.ts';

/** See the file's header. */
export class SideWork {
  readonly #round: number;
  readonly #logger: Logger;
  readonly #underWay = new Set<Digest>();

  constructor(round: number, logger: Logger) {
    this.#round = round;
    this.#logger = logger;
  }

  /** Runs `work` unless some for the same blob is under way. @param otherwise what the log says if it fails */
  once(digest: Digest, otherwise: string, work: () => Promise<void>): void {
    if (this.#underWay.has(digest)) return;
    this.#underWay.add(digest);
    this.run(otherwise, () =>
      work().finally(() => {
        this.#underWay.delete(digest);
      }),
    );
  }

  /** Runs `work`. @param otherwise what the log says if it fails */
  run(otherwise: string, work: () => Promise<void>): void {
    void work().catch((error: unknown) => {
      this.#logger.log('warn', otherwise, { round: this.#round, reason: messageOf(error) });
    });
  }
}
