/** How far the others say they are, and when a peer that was behind has caught up with them. */
import type { Height } from '../base/index.ts';

/** See the file's header. */
export class CatchUp {
  readonly #onCaughtUp: (height: Height) => void;
  #highestHeard = 0;
  #isBehind: boolean;

  /** @param height of the chain at the start: one that is not fresh counts as behind until the others have spoken */
  constructor(height: Height, onCaughtUp: (height: Height) => void) {
    this.#isBehind = height > 0;
    this.#onCaughtUp = onCaughtUp;
  }

  /** A member says that it has applied `theirs`; this node has applied `own`. */
  heard(theirs: Height, own: Height): void {
    this.#highestHeard = Math.max(this.#highestHeard, theirs);
    if (theirs > own + 1) this.#isBehind = true;
  }

  /** Tells it, once, if this node at height `own` has caught up. */
  look(own: Height): void {
    if (!this.#isBehind || this.#highestHeard === 0 || own < this.#highestHeard) return;
    this.#isBehind = false;
    this.#onCaughtUp(own);
  }
}
