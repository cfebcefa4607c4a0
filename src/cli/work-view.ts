/** Progress of a reproduction: a line for whatever ended, and the time left, below them where there is a screen. */
import { printableLine } from '../base/index.ts';
import { durationText } from '../report/index.ts';
import type { OnReproduceProgress, ReproduceProgress } from '../experiment/index.ts';
import type { Screen } from './progress-view.ts';

const repaintMsMin = 200;
/** Before so much of the work was done now, nothing can be said about the rest. */
const shareMin = 0.01;

/** Writes a line for whatever ended; on a live screen the share done and the time left stand below, painted over as they change. */
export class WorkView {
  readonly #screen: Screen;
  readonly #startMs: number;
  #progress: ReproduceProgress = { total: 0, done: 0, found: 0, line: null };
  #paintedMs = -Infinity;

  constructor(screen: Screen) {
    this.#screen = screen;
    this.#startMs = screen.nowMs();
  }

  readonly onProgress: OnReproduceProgress = (progress) => {
    this.#progress = progress;
    const { write, isLive, nowMs } = this.#screen;
    if (progress.line !== null) {
      this.#erase();
      const line = `${clock(nowMs() - this.#startMs)}  ${progress.line} (${this.#standing()})`;
      write(`${printableLine(line)}\n`);
    }
    if (!isLive || nowMs() - this.#paintedMs < repaintMsMin) return;
    this.#paintedMs = nowMs();
    this.#erase();
    write(`       ${this.#standing()}`);
  };

  /** Leaves the cursor on an empty line. */
  stop(): void {
    this.#erase();
  }

  /** Milliseconds left: the rest of the work at the speed of what was done now; null before that is known. */
  leftMs(): number | null {
    const { total, done, found } = this.#progress;
    const now = done - found;
    if (total === 0 || now / total < shareMin) return done >= total ? 0 : null;
    return ((this.#screen.nowMs() - this.#startMs) * Math.max(0, total - done)) / now;
  }

  #standing(): string {
    const { total, done } = this.#progress;
    const share = total === 0 ? 0 : Math.min(100, Math.floor((100 * done) / total));
    const left = this.leftMs();
    return `${share} %, ${left === null ? 'time left unknown' : `about ${durationText(left)} left`}`;
  }

  #erase(): void {
    if (this.#screen.isLive) this.#screen.erase(0);
  }
}

/** 75 000 → `01:15`. */
function clock(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  return `${String(Math.floor(seconds / 60)).padStart(2, '0')}:${String(seconds % 60).padStart(2, '0')}`;
}
