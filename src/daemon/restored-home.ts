/**
 * A home that is a copy: restored from a backup, or found in another folder than where its node ran last. Its node follows, and
 * does not vote until a person has confirmed that it is the only one with its keys; nor then, before it has caught up and the
 * others have shown what they hold of its votes.
 */
import type { Clock } from '../base/index.ts';
import type { NodeFact } from '../dashboard/index.ts';
import { durationText } from '../report/index.ts';
import { noticeCopy, restoredAtMs, type HomeFacts } from '../node/index.ts';

/** What is watched, and who hears of it. */
export interface RestoredHomeOptions {
  readonly home: Pick<HomeFacts, 'folder'>;
  readonly clock: Clock;
  /** Whether the node signs votes. */
  readonly isVoter: () => boolean;
  readonly onFact: (fact: NodeFact) => void;
}

const code = 'restored';
const lookEveryMs = 1_000;

/** See the file's header. */
export class RestoredHome {
  readonly #options: RestoredHomeOptions;
  readonly #sinceMs: number;
  #isHeldBack = true;
  #isStopped = false;
  #cancel: () => void = () => undefined;

  private constructor(options: RestoredHomeOptions, sinceMs: number) {
    this.#options = options;
    this.#sinceMs = sinceMs;
  }

  /** Begins to watch; null for a home that is no copy. */
  static async open(options: RestoredHomeOptions): Promise<RestoredHome | null> {
    const { home, clock } = options;
    await noticeCopy(home, clock.nowMs());
    const sinceMs = await restoredAtMs(home);
    if (sinceMs === null) return null;
    const restored = new RestoredHome(options, sinceMs);
    restored.#say();
    restored.#lookSoon();
    return restored;
  }

  /** Whether the node must not vote: nobody has confirmed it yet. */
  get isHeldBack(): boolean {
    return this.#isHeldBack;
  }

  /** Ends the watch. */
  stop(): void {
    this.#isStopped = true;
    this.#cancel();
  }

  #lookSoon(): void {
    this.#cancel = this.#options.clock.setTimer(lookEveryMs, () => {
      void this.#look();
    });
  }

  async #look(): Promise<void> {
    const { home, isVoter, onFact } = this.#options;
    // The command that confirms it removes the mark. A disk that fails is told by whoever writes to it.
    const mark = await restoredAtMs(home).catch(() => this.#sinceMs);
    if (this.#isStopped) return;
    if (mark === null && this.#isHeldBack) {
      this.#isHeldBack = false;
      this.#say();
    }
    if (!this.#isHeldBack && isVoter()) onFact({ kind: 'notice-over', code });
    else this.#lookSoon();
  }

  #say(): void {
    const { clock, onFact } = this.#options;
    const atMs = clock.nowMs();
    const ago = durationText(Math.max(0, atMs - this.#sinceMs));
    const what = `this home is a copy, of a backup or from another folder, since ${ago} ago`;
    const text = this.#isHeldBack
      ? `${what}: it follows and does not vote until somebody confirms that it is the only one with its keys`
      : `${what}, and was confirmed: it votes when it has caught up and its votes are known to be its own`;
    const remedy = this.#isHeldBack
      ? 'make sure that the home it was made of runs nowhere, then annulus restore --confirm; annulus member rotate when in doubt'
      : null;
    onFact({
      kind: 'notice',
      code,
      level: this.#isHeldBack ? 'warning' : 'info',
      text,
      remedy,
      atMs,
    });
  }
}
