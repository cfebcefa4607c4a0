/** A hospital's optimiser states on its own disk, so that a restart goes on as if nothing had happened. Never sent. */
import { deserialize, serialize } from 'node:v8';
import type { Store } from '../base/index.ts';
import type { OptimiserState } from '../distill/index.ts';

/** The last one and the one before: a crash between a round's training and its update trains the round again. */
const keptMax = 2;

/** States by stage and by the round whose training left them. */
export class StateStore {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** What the last round of the stage before `round` left, or null. */
  async before(stage: string, round: number): Promise<OptimiserState | null> {
    const found = (await this.#rounds(stage)).filter((earlier) => earlier < round).at(-1);
    if (found === undefined) return null;
    const bytes = await this.#store.read(nameOf(stage, found));
    // Written by this program alone, and whole: the store replaces files at once.
    return bytes === null ? null : (deserialize(bytes) as OptimiserState);
  }

  async write(stage: string, round: number, state: OptimiserState): Promise<void> {
    await this.#store.write(nameOf(stage, round), serialize(state));
    const old = (await this.#rounds(stage)).slice(0, -keptMax);
    for (const earlier of old) await this.#store.remove(nameOf(stage, earlier));
  }

  /** Ascending. */
  async #rounds(stage: string): Promise<number[]> {
    const folder = `${stage}/`;
    const names = await this.#store.list(folder);
    return names.map((name) => Number(name.slice(folder.length))).sort((a, b) => a - b);
  }
}

function nameOf(stage: string, round: number): string {
  return `${stage}/${round}`;
}
