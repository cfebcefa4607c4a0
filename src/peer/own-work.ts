/** This node's own work of rounds, one after the other, whatever epoch began it: a machine trains one model at a time. */
export class OwnWork {
  /** Ends with the last that was begun. */
  #last: Promise<unknown> = Promise.resolve();

  /** Does `work` when all that was begun before is over. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return done;
  }
}
