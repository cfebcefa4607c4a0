/** Carries a run out at the terminal: progress while it goes on, record and report in its folder, a summary at the end. */
import { join } from 'node:path';
import { printableLine } from '../base/index.ts';
import {
  durationText,
  renderReport,
  shortDigest,
  summaryOf,
  type OnProgress,
  type RunRecord,
  type RunSummary,
} from '../report/index.ts';
import { exitCodes, type ExitCode } from './errors.ts';
import { writeOutput } from './files.ts';
import { ProgressView } from './progress-view.ts';
import { unlessStopped } from './stop-signals.ts';
import type { World } from './world.ts';

/** A run, and how it is told. */
export interface RecordedRun {
  readonly folder: string;
  /** `text` or `json`. */
  readonly format: string;
  /** What to say of a run that a signal ended. */
  readonly stoppedWords: () => string;
  readonly work: (onProgress: OnProgress) => Promise<RunRecord>;
}

/** @throws {CliError} 'stopped' when a signal ended it, and as `work` */
export async function recordedRun(
  { folder, format, stoppedWords, work }: RecordedRun,
  world: World,
): Promise<ExitCode> {
  const asJson = format === 'json';
  // With --format json, standard output carries the one document and nothing else.
  const view = new ProgressView({
    write: asJson ? world.err : world.out,
    erase: world.erase,
    isLive: world.isLive && !asJson,
    columns: world.columns,
    nowMs: world.nowMs,
  });
  let record: RunRecord;
  try {
    record = await unlessStopped(world.signal, stoppedWords, () => work(view.onProgress));
  } finally {
    view.stop();
  }
  await writeOutput(join(folder, 'record.json'), `${JSON.stringify(record, null, 1)}\n`);
  await writeOutput(join(folder, 'report.html'), renderReport(record));
  const summary = summaryOf(record, folder);
  world.out(asJson ? `${JSON.stringify(summary)}\n` : textOf(summary));
  if (!summary.ok) return exitCodes.failed;
  return summary.missed.some(({ isAsked }) => !isAsked) ? exitCodes.incomplete : exitCodes.done;
}

function textOf(summary: RunSummary): string {
  const { folder, ms, missed, sealedDigest, models, log, virtual } = summary;
  const asked = virtual === null ? ' (--kill)' : '';
  const rounds = missed.map(
    ({ node, round, isAsked }) => `${node} in ${round}${isAsked ? asked : ''}`,
  );
  const same = models.filter(({ digest }) => digest === sealedDigest).length;
  return [
    '',
    `student   ${sealedDigest ?? 'not sealed'} on ${same} of ${models.length} nodes`,
    `log       ${log.entries} entries, root ${shortDigest(log.root)}, ${log.ok ? 'verified' : 'NOT verified'}`,
    ...(virtual === null ? [] : [`faults    ${virtual.faults.length}`]),
    ...(virtual?.attack
      ? [`attack    ${virtual.attack.kind} by ${virtual.attack.liars.join(' ')}`]
      : []),
    ...log.findings.map((finding) => `found     ${finding}`),
    ...(rounds.length > 0
      ? [
          `missed    ${rounds.length} ${rounds.length === 1 ? 'round' : 'rounds'} closed without a member: ${rounds.join(', ')}`,
        ]
      : []),
    `time      ${durationText(ms)}${virtual === null ? '' : ' of virtual time'}`,
    `report    ${join(folder, 'report.html')}`,
    '',
  ]
    .map(printableLine)
    .join('\n');
}
