/** Progress of a run on the terminal: a live block where there is a screen, a line per event elsewhere. */
import { printableLine } from '../base/index.ts';
import {
  durationText,
  fixed,
  shortDigest,
  type HospitalState,
  type OnProgress,
  type PlannedStage,
  type ProgressEvent,
} from '../report/index.ts';

/** Where progress is written. */
export interface Screen {
  readonly write: (text: string) => void;
  /** Goes up so many rows and clears all from there on; only where `isLive`. */
  readonly erase: (rows: number) => void;
  /** Whether the cursor can be moved. */
  readonly isLive: boolean;
  readonly columns: number;
  readonly nowMs: () => number;
}

interface Hospital {
  state: HospitalState;
  done: number | null;
  loss: number | null;
}

const repaintMsMin = 80;
const barWidth = 12;

/** Follows a run's events; `stop` leaves the cursor below the block. */
export class ProgressView {
  readonly #screen: Screen;
  readonly #startMs: number;
  readonly #hospitals = new Map<string, Hospital>();
  #stages: readonly PlannedStage[] = [];
  #stage: string | null = null;
  #stageStartMs = 0;
  #round = 0;
  #work: { done: number; total: number; what: string } | null = null;
  readonly #finished = new Map<string, number>();
  #lastLine = '';
  #paintedRows = 0;
  #paintedMs = -Infinity;

  constructor(screen: Screen) {
    this.#screen = screen;
    this.#startMs = screen.nowMs();
  }

  readonly onProgress: OnProgress = (event) => {
    this.#follow(event);
    const line = lineFor(event, (id) => this.#stageTitle(id), this.#stages);
    if (line !== null) {
      this.#lastLine = line;
      this.#print(`${clock(this.#screen.nowMs() - this.#startMs)}  ${line}`);
    }
    if (this.#screen.isLive)
      this.#repaint(event.kind === 'hospital' || event.kind === 'stage-progress');
  };

  stop(): void {
    if (this.#screen.isLive) this.#erase();
  }

  /** Milliseconds left, or null before anything can be said: planned cost scaled by the time so far. */
  etaMs(): number | null {
    const elapsed = this.#screen.nowMs() - this.#startMs;
    const total = this.#stages.reduce((sum, { cost }) => sum + cost, 0);
    const done = this.#stages.reduce((sum, stage) => sum + stage.cost * this.#shareOf(stage), 0);
    return total === 0 || done / total < 0.02 ? null : (elapsed * (total - done)) / done;
  }

  #shareOf(stage: PlannedStage): number {
    if (this.#finished.has(stage.id)) return 1;
    if (stage.id !== this.#stage) return 0;
    if (stage.rounds === 0)
      return this.#work === null ? 0 : this.#work.done / Math.max(1, this.#work.total);
    const busy = [...this.#hospitals.values()].filter(({ done }) => done !== null);
    const within = busy.reduce((sum, { done }) => sum + (done ?? 0), 0) / Math.max(1, busy.length);
    return Math.min(1, Math.max(0, this.#round - 1 + within) / stage.rounds);
  }

  #follow(event: ProgressEvent): void {
    switch (event.kind) {
      case 'run-started':
        this.#stages = event.stages;
        for (const id of event.hospitals) {
          this.#hospitals.set(id, { state: 'starting', done: null, loss: null });
        }
        break;
      case 'stage-started':
        this.#stage = event.stage;
        this.#stageStartMs = this.#screen.nowMs();
        this.#round = 0;
        this.#work = null;
        break;
      case 'stage-progress':
        this.#work = event;
        break;
      case 'round-started':
        this.#round = event.stageRound;
        for (const [id, hospital] of this.#hospitals) {
          if (hospital.state === 'away') continue;
          const trains = event.participants.includes(id);
          hospital.state = trains ? 'training' : 'resting';
          hospital.done = trains ? 0 : null;
        }
        break;
      case 'hospital': {
        const hospital = this.#hospitals.get(event.node);
        if (hospital === undefined) break;
        hospital.state = event.state;
        hospital.done = event.done ?? (event.state === 'training' ? hospital.done : null);
        hospital.loss = event.loss ?? hospital.loss;
        break;
      }
      case 'round-sealed':
        for (const hospital of this.#hospitals.values()) {
          if (hospital.state !== 'away') hospital.state = 'sealed';
          hospital.done = null;
        }
        break;
      case 'stage-finished':
        this.#finished.set(event.stage, event.ms);
        break;
      case 'round-void':
      case 'note':
      case 'run-finished':
        break;
    }
  }

  #print(line: string): void {
    if (this.#screen.isLive) this.#erase();
    this.#screen.write(`${printableLine(line)}\n`);
  }

  #repaint(isFrequent: boolean): void {
    const now = this.#screen.nowMs();
    if (isFrequent && now - this.#paintedMs < repaintMsMin) return;
    this.#erase();
    const columnsMax = Math.max(20, this.#screen.columns - 1);
    const rows = this.#rows().map((row) => printableLine(row).slice(0, columnsMax));
    this.#screen.write(rows.map((row) => `${row}\n`).join(''));
    this.#paintedRows = rows.length;
    this.#paintedMs = now;
  }

  #erase(): void {
    if (this.#paintedRows > 0) this.#screen.erase(this.#paintedRows);
    this.#paintedRows = 0;
  }

  #rows(): string[] {
    const now = this.#screen.nowMs();
    const stage = this.#stages.find(({ id }) => id === this.#stage);
    if (stage === undefined) return [];
    const eta = this.etaMs();
    const position = `${this.#stages.indexOf(stage) + 1}/${this.#stages.length}`;
    const round =
      stage.rounds > 0 && this.#round > 0 ? `, round ${this.#round} of ${stage.rounds}` : '';
    const work =
      stage.rounds === 0 && this.#work !== null
        ? `, ${this.#work.what} ${this.#work.done} of ${this.#work.total}`
        : '';
    const head = `[${position}] ${stage.title}${round}${work}`;
    const times = `${clock(now - this.#startMs)} gone, ${eta === null ? 'time left unknown' : `about ${durationText(eta)} left`}`;
    const hospitals =
      stage.rounds === 0
        ? []
        : [...this.#hospitals].map(
            ([id, { state, done, loss }]) =>
              `  ${id.padEnd(4)} ${state.padEnd(12)} ${bar(done)} ${loss === null ? '' : `loss ${fixed(loss, 3)}`}`,
          );
    return ['', `${head}  (${durationText(now - this.#stageStartMs)})`, ...hospitals, `  ${times}`];
  }

  #stageTitle(id: string): string {
    return this.#stages.find((stage) => stage.id === id)?.title ?? id;
  }

  /** The newest line, for tests and for a crash's context. */
  get lastLine(): string {
    return this.#lastLine;
  }
}

/** The event as a line of text, or null for those that only move the block. */
function lineFor(
  event: ProgressEvent,
  title: (id: string) => string,
  stages: readonly PlannedStage[],
): string | null {
  switch (event.kind) {
    case 'run-started':
      return `run ${event.id}: ${event.hospitals.length} hospitals (${event.hospitals.join(' ')}), ${event.stages.length} parts`;
    case 'stage-started':
      return `${title(event.stage)}: begins`;
    case 'stage-finished':
      return `${title(event.stage)}: done in ${durationText(event.ms)}`;
    case 'round-sealed': {
      const rounds = stages.find(({ id }) => id === event.stage)?.rounds;
      const of = rounds === undefined ? '' : `/${rounds}`;
      const out = event.excluded.length === 0 ? '' : `, without ${event.excluded.join(' ')}`;
      const loss = event.loss === null ? '' : `loss ${fixed(event.loss, 3)}, `;
      return `${title(event.stage)}: round ${event.stageRound}${of} sealed, ${loss}${event.participants.length} took part${out}, model ${shortDigest(event.modelDigest)}, log ${event.logSize}`;
    }
    case 'round-void':
      return `${title(event.stage)}: round ${event.stageRound} void: ${event.reason}`;
    case 'note':
      return `${event.level === 'warn' ? 'warning: ' : ''}${event.text}`;
    case 'run-finished':
      return `finished: model ${shortDigest(event.modelDigest)}, ${event.allEqual ? 'the same on all nodes' : 'NOT the same on all nodes'}, log ${event.logOk ? 'verified' : 'NOT verified'}`;
    case 'stage-progress':
    case 'round-started':
    case 'hospital':
      return null;
  }
}

function bar(done: number | null): string {
  if (done === null) return ' '.repeat(barWidth);
  const full = Math.round(Math.max(0, Math.min(1, done)) * barWidth);
  return '█'.repeat(full) + '░'.repeat(barWidth - full);
}

/** 75 000 → `01:15`. */
function clock(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  return `${String(Math.floor(seconds / 60)).padStart(2, '0')}:${String(seconds % 60).padStart(2, '0')}`;
}
