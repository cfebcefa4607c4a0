/**
 * The decision files of a log in their order. The next ones are read, and their votes checked, while one is judged: so all
 * processors have something to do.
 */
import { messageOf } from '../base/index.ts';
import type { SignedManifest } from '../wire/index.ts';
import { checkVotes, type CheckedVotes } from './certificate.ts';
import { decisionName, decodeDecision, type Decision } from './log-files.ts';

/** Files that are under way at most: enough for all threads, and little memory. */
const aheadMax = 32;

/** What a decision file holds. */
export interface OpenedDecision {
  /** Null where it cannot be read. */
  readonly decision: Decision | null;
  /** Why it cannot be read, in words; null when it can. */
  readonly problem: string | null;
  /** Votes that were checked already; null: none. */
  readonly votes: CheckedVotes | null;
}

/** Decodes a decision file, and checks nothing. */
export function openDecision(bytes: Uint8Array): OpenedDecision {
  try {
    return { decision: decodeDecision(bytes), problem: null, votes: null };
  } catch (error) {
    return { decision: null, problem: messageOf(error), votes: null };
  }
}

/** Reads ahead of who asks height by height. */
export class DecisionFiles {
  readonly #read: (name: string) => Promise<Uint8Array | null>;
  readonly #last: number;
  readonly #underWay = new Map<number, Promise<OpenedDecision | null>>();
  #next = 1;

  /** @param last height of the last one */
  constructor(read: (name: string) => Promise<Uint8Array | null>, last: number) {
    this.#read = read;
    this.#last = last;
  }

  /**
   * The file of `height`; null when there is none. Ascending, each once.
   * @param consortium by whose keys the votes of the next ones are checked; where it is another when their turn comes, they
   *   are checked again
   */
  take(height: number, consortium: SignedManifest): Promise<OpenedDecision | null> {
    const until = Math.min(this.#last, height + aheadMax);
    for (; this.#next <= until; this.#next++) {
      const opened = this.#open(this.#next, consortium);
      // Whoever takes it is told; nobody may, if an earlier one breaks the log.
      opened.catch(() => undefined);
      this.#underWay.set(this.#next, opened);
    }
    const found = this.#underWay.get(height) ?? this.#open(height, consortium);
    this.#underWay.delete(height);
    return found;
  }

  async #open(height: number, consortium: SignedManifest): Promise<OpenedDecision | null> {
    const bytes = await this.#read(decisionName(height));
    if (bytes === null) return null;
    const opened = openDecision(bytes);
    const { decision } = opened;
    return decision === null
      ? opened
      : { ...opened, votes: await checkVotes(decision, consortium) };
  }
}
