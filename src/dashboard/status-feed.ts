/** The one place where a node's events become its view: page, metrics and `annulus status` read it. */
import { emptyView, type NodeEvent, type NodeView } from './node-view.ts';
import { reduce } from './reduce-view.ts';

/** Hears that the view is another one. Must not throw. */
export type OnView = (view: NodeView) => void;

/** Holds the view of one node. */
export class StatusFeed {
  #view: NodeView = emptyView;
  readonly #listeners = new Set<OnView>();

  get view(): NodeView {
    return this.#view;
  }

  /** Takes an event of the peer or a fact of the node. */
  apply(event: NodeEvent): void {
    const next = reduce(this.#view, event);
    if (next === this.#view) return;
    this.#view = next;
    for (const listener of this.#listeners) listener(next);
  }

  /** @returns ends it */
  onView(listener: OnView): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }
}
