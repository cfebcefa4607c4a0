/** Carries a laboratory run out, from its plan to its measurements. */
import { setImmediate } from 'node:timers/promises';
import type {
  LabFrame,
  LabPlanTree,
  LabRecord,
  LabRound,
  LabSettingsTree,
} from '../../report/index.ts';
import { labFormat } from '../../report/index.ts';
import { LabError } from './errors.ts';
import { LabRun } from './lab-run.ts';
import type { LabSettings } from './settings.ts';
import { encodeState, type LabState } from './state-file.ts';
import type { LabFiles } from './world.ts';

/** What the numbers of a run follow from, and nothing else. */
export interface LabPlan {
  readonly settings: LabSettings;
  readonly files: LabFiles;
  /** The run that it goes on from, and after which round; null: from its own beginning. */
  readonly fork: { readonly from: LabPlan; readonly round: number } | null;
}

/** How a plan is carried out. */
export interface LabOrder {
  /** Threads that train. */
  readonly workers: number;
  /** The last round to compute; null: all. */
  readonly untilRound: number | null;
  /** Rounds after which the state is kept. */
  readonly snapshots: readonly number[];
  /** Where the fork goes on, if somebody kept it; null: it is computed. */
  readonly state: LabState | null;
  readonly signal: AbortSignal;
  readonly onRound: (round: LabRound) => void;
}

/** A finished run. */
export interface LabOutcome {
  readonly record: LabRecord;
  readonly rounds: readonly LabRound[];
  /** State files, by round. */
  readonly states: ReadonlyMap<number, Uint8Array>;
}

const framesMax = 24;
const frameNodesMax = 64;

/**
 * Computes a run. Nothing in what it gives comes from this machine.
 * @throws {LabError} 'diverged', 'cancelled', 'bad_trace', 'bad_graph', 'bad_state'
 */
export async function runLab(plan: LabPlan, order: LabOrder): Promise<LabOutcome> {
  const { settings, fork } = plan;
  const state =
    order.state ?? (fork === null ? null : await stateAfter(fork.from, fork.round, order));
  const run = await LabRun.open(settings, plan.files, order.workers);
  try {
    if (state !== null) run.restore(state);
    const first = run.round;
    const last = Math.min(settings.rounds, order.untilRound ?? settings.rounds);
    if (last < first)
      throw new LabError(
        { code: 'bad_state' },
        `expected rounds after ${first}, got an end at ${last}`,
      );
    const rounds: LabRound[] = [];
    const frames: LabFrame[] = [];
    const states = new Map<number, Uint8Array>();
    const look = async (): Promise<void> => {
      const measured = await run.measure();
      rounds.push(measured);
      order.onRound(measured);
    };
    const frameEvery = Math.max(1, Math.ceil((last - first) / framesMax));
    await look();
    while (run.round < last) {
      await onwards(run, order.signal);
      const { round } = run;
      if (round % settings.measureEvery === 0 || round === last) await look();
      const isFrame = round === first + 1 || round % frameEvery === 0 || round === last;
      if (isFrame && settings.nodes <= frameNodesMax) frames.push(await run.frame());
      if (order.snapshots.includes(round)) states.set(round, encodeState(run.save()));
    }
    const final = rounds.at(-1) as LabRound;
    const format = labFormat;
    const nodes = await run.nodes();
    return {
      record: { format, ...treeOf(plan), untilRound: last, final, nodes, frames },
      rounds,
      states,
    };
  } finally {
    await run.close();
  }
}

/** The state of a plan after a round, computed without looking. */
async function stateAfter(plan: LabPlan, round: number, order: LabOrder): Promise<LabState> {
  if (round > plan.settings.rounds) {
    throw new LabError(
      { code: 'bad_state' },
      `expected a round from 0 to ${plan.settings.rounds} to fork at, got ${round}`,
    );
  }
  const { fork } = plan;
  // Before the run is opened: a thread has one network at a time.
  const state = fork === null ? null : await stateAfter(fork.from, fork.round, order);
  const run = await LabRun.open(plan.settings, plan.files, order.workers);
  try {
    if (state !== null) run.restore(state);
    while (run.round < round) await onwards(run, order.signal);
    return run.save();
  } finally {
    await run.close();
  }
}

async function onwards(run: LabRun, signal: AbortSignal): Promise<void> {
  if (signal.aborted) throw new LabError({ code: 'cancelled' }, 'stopped');
  await run.advance();
  // Lets signals and the terminal have their turn.
  if (run.round % 16 === 0) await setImmediate();
}

/** A plan as its record has it. */
export function treeOf({ settings, files, fork }: LabPlan): LabPlanTree {
  return {
    settings: JSON.parse(JSON.stringify(settings)) as LabSettingsTree,
    files,
    fork: fork === null ? null : { from: treeOf(fork.from), round: fork.round },
  };
}
