/** `annulus simulate` with a preset of the laboratory. */
import { join } from 'node:path';
import { printableLine } from '../../base/index.ts';
import {
  bytesText,
  durationText,
  heldOutWords,
  type LabRecord,
  type LabRound,
} from '../../report/index.ts';
import { exitCodes, usageError, type ExitCode } from '../errors.ts';
import { freeFolder, intoFolder, type PresetText } from '../files.ts';
import { unlessStopped } from '../stop-signals.ts';
import { parseCount } from '../numbers.ts';
import { WorkView } from '../work-view.ts';
import type { World } from '../world.ts';
import {
  labOverrides,
  readFork,
  readPlan,
  type LabSettingFlags,
  type ReadPlan,
} from './lab-preset.ts';

/** Flags of a run of the laboratory, as typed. */
export interface LabFlags extends LabSettingFlags {
  readonly out?: string;
  readonly workers?: string;
  readonly untilRound?: string;
  readonly snapshot?: readonly string[];
  readonly forkAt?: string;
  readonly format: string;
}

/** Flags that mean something in the laboratory alone, by their long names. */
export const labOnly: readonly string[] = ['--until-round', '--snapshot', '--fork-at'];
/** What the laboratory has nothing of. */
const notInLab: readonly string[] = [
  ...['--kill', '--resume', '--backend', '--precision', '--world'],
  ...['--members', '--faults', '--fault-seed', '--until'],
];

/**
 * Runs a preset, or goes on from another run (`--fork-at`), and writes its files. Exit 0 when it came to its end.
 * @param preset null with `--fork-at`
 * @throws {CliError} 'usage', 'stopped'; {ConfigError}; {LabError}
 */
export async function labCommand(
  preset: PresetText | null,
  flags: LabFlags,
  given: readonly string[],
  world: World,
): Promise<ExitCode> {
  const foreign = given.filter((flag) => notInLab.includes(flag));
  if (foreign.length > 0) {
    throw usageError(`${foreign.join(', ')}: not with a preset of the laboratory`);
  }
  const overrides = labOverrides(flags);
  if ((preset === null) === (flags.forkAt === undefined)) {
    throw usageError('expected a preset of the laboratory or --fork-at, one of the two');
  }
  const read =
    preset === null ? readFork(flags.forkAt ?? '', overrides) : readPlan(preset, overrides);
  return runInto(await read, flags, world);
}

async function runInto(
  { plan, name, forkFolder }: ReadPlan,
  flags: LabFlags,
  world: World,
): Promise<ExitCode> {
  const { readState, runLab, writeLab } = await import('../../experiment/index.ts');
  const untilRound =
    flags.untilRound === undefined ? null : parseCount('--until-round', flags.untilRound);
  const snapshots = (flags.snapshot ?? []).map((text) => parseCount('--snapshot', text));
  if (untilRound !== null) snapshots.push(untilRound);
  const round = plan.fork?.round ?? 0;
  const state = forkFolder === null ? null : await readState(forkFolder, round);
  const path = flags.out ?? (await freeFolder(join('runs', name)));
  const asJson = flags.format === 'json';
  return intoFolder(path, async (folder) => {
    const view = new WorkView({
      write: asJson ? world.err : world.out,
      erase: world.erase,
      isLive: world.isLive && !asJson,
      columns: world.columns,
      nowMs: world.nowMs,
    });
    const total = Math.min(plan.settings.rounds, untilRound ?? plan.settings.rounds);
    const onRound = ({ round: done }: LabRound): void => {
      view.onProgress({ total, done, found: round, line: null });
    };
    const order = { untilRound, snapshots, state, workers: workersOf(flags.workers), onRound };
    const { signal } = world;
    try {
      const outcome = await unlessStopped(
        signal,
        () => 'stopped; nothing was kept',
        () => runLab(plan, { ...order, signal }),
      );
      await writeLab(folder, outcome);
      view.stop();
      world.out(asJson ? `${JSON.stringify(outcome.record)}\n` : textOf(outcome.record, folder));
    } finally {
      view.stop();
    }
    return exitCodes.done;
  });
}

/** One unless more are asked for. @throws {CliError} 'usage' */
export function workersOf(text: string | undefined): number {
  const workers = text === undefined ? 1 : parseCount('--workers', text);
  if (workers < 1 || workers > 256) {
    throw usageError(`--workers: expected a whole number from 1 to 256, got ${workers}`);
  }
  return workers;
}

function textOf({ settings, final, untilRound }: LabRecord, folder: string): string {
  const { error, errorOfMean, consensus, modelBytes, headerBytes, timeMs, steps, testError } =
    final;
  const traffic = bytesText(modelBytes + headerBytes);
  const nodes = Number(settings.nodes);
  const heldOut = heldOutWords(settings);
  return [
    '',
    `rounds    ${untilRound} of ${nodes} nodes, ${durationText(timeMs)} of virtual time`,
    `error     ${error.toPrecision(4)} (mean of the nodes), ${errorOfMean.toPrecision(4)} (of their mean model)`,
    ...(testError === null ? [] : [`held-out  ${heldOut.text(testError)} (${heldOut.label})`]),
    `distance  ${consensus.toPrecision(4)} (mean squared, to the mean model)`,
    `traffic   ${traffic}, ${bytesText((modelBytes + headerBytes) / nodes)} a node; ${steps} local steps`,
    `report    ${join(folder, 'report.html')}`,
    '',
  ]
    .map(printableLine)
    .join('\n');
}
