/** Carries a laboratory run out and leaves its files: record.json, rounds.jsonl, rounds.csv, nodes.csv, report.html. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  csvOf,
  labFormat,
  nodeColumns,
  renderLab,
  roundColumns,
  type LabFrame,
  type LabRecord,
  type LabRound,
  type LabSettingsTree,
} from '../../report/index.ts';
import { LabError } from './errors.ts';
import { LabRun } from './lab-run.ts';
import type { LabSettings } from './settings.ts';
import type { LabFiles } from './world.ts';

/** What a run is asked beside its settings. */
export interface LabOrder {
  readonly settings: LabSettings;
  readonly files: LabFiles;
  /** Threads that train. */
  readonly workers: number;
  /** The last round to compute; null: all. */
  readonly untilRound: number | null;
  readonly signal: AbortSignal;
  readonly onRound: (round: LabRound) => void;
}

/** A finished run. */
export interface LabOutcome {
  readonly record: LabRecord;
  readonly rounds: readonly LabRound[];
}

const framesMax = 24;
const frameNodesMax = 64;

/**
 * Computes a run. Nothing in what it gives comes from this machine.
 * @throws {LabError} 'diverged', 'cancelled', 'bad_trace', 'bad_graph'
 */
export async function runLab(order: LabOrder): Promise<LabOutcome> {
  const { settings, files, workers, signal, onRound } = order;
  const run = new LabRun(settings, files, workers);
  const last = Math.min(settings.rounds, order.untilRound ?? settings.rounds);
  const frameEvery = Math.max(1, Math.ceil(last / framesMax));
  const rounds: LabRound[] = [];
  const frames: LabFrame[] = [];
  const look = (): void => {
    const measured = run.measure();
    rounds.push(measured);
    onRound(measured);
  };
  try {
    look();
    while (run.round < last) {
      if (signal.aborted) throw new LabError({ code: 'cancelled' }, 'stopped');
      await run.advance();
      const isLast = run.round === last;
      if (run.round % settings.measureEvery === 0 || isLast) look();
      const isFrame = run.round === 1 || run.round % frameEvery === 0 || isLast;
      if (isFrame && settings.nodes <= frameNodesMax) frames.push(run.frame());
      // Lets signals and the terminal have their turn.
      if (run.round % 16 === 0) await new Promise(setImmediate);
    }
    const final = rounds.at(-1) as LabRound;
    const record: LabRecord = {
      format: labFormat,
      settings: treeOf(settings),
      files,
      fork: null,
      ...{ untilRound: last, final, nodes: run.nodes(), frames },
    };
    return { record, rounds };
  } finally {
    await run.close();
  }
}

/** Writes all files of a run into its folder. */
export async function writeLab(folder: string, { record, rounds }: LabOutcome): Promise<void> {
  const write = (name: string, text: string): Promise<void> => writeFile(join(folder, name), text);
  await write('rounds.jsonl', rounds.map((round) => `${JSON.stringify(round)}\n`).join(''));
  await write('rounds.csv', csvOf(roundColumns, rounds));
  await write('nodes.csv', csvOf(nodeColumns, record.nodes));
  await write('report.html', renderLab(record, rounds));
  await write('record.json', `${JSON.stringify(record, null, 1)}\n`);
}

function treeOf(settings: LabSettings): LabSettingsTree {
  return JSON.parse(JSON.stringify(settings)) as LabSettingsTree;
}
