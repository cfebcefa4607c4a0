/** Work of one round beside the peer's queue: a failure is logged, and the next tick asks for the work again. */
import { messageOf, type Digest, type Logger } from '../../base/index.ts';

/** See the file's header. */
export class SideWork {
  readonly #round: number;
  readonly #logger: Logger;
  readonly #underWay = new Set<Digest>();
  /** By blob, what the log said of it last. */
  readonly #said = new Map<Digest, string>();

  constructor(round: number, logger: Logger) {
    this.#round = round;
    this.#logger = logger;
  }

  /**
   * Runs `work` unless some for the same blob is under way.
   *
   * @param otherwise what the log says if it fails; not again while it fails for the same reason, as it does at each tick of a cut
   */
  once(digest: Digest, otherwise: string, work: () => Promise<void>): void {
    if (this.#underWay.has(digest)) return;
    this.#underWay.add(digest);
    void work()
      .finally(() => {
        this.#underWay.delete(digest);
      })
      .catch((error: unknown) => {
        const reason = messageOf(error);
        if (this.#said.get(digest) === reason) return;
        this.#said.set(digest, reason);
        this.#log(otherwise, reason);
      });
  }

  /** Runs `work`. @param otherwise what the log says if it fails */
  run(otherwise: string, work: () => Promise<void>): void {
    void work().catch((error: unknown) => {
      this.#log(otherwise, messageOf(error));
    });
  }

  #log(what: string, reason: string): void {
    this.#logger.log('warn', what, { round: this.#round, reason });
  }
}
