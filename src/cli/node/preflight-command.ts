/** `annulus preflight`: whether this machine, this home and the way to the other members are fit for a node, and how to mend what is not. */
import type { controlSocketOf } from '../../daemon/index.ts';
import type { AskedMembers, Check, Finding, HomeFacts } from '../../node/index.ts';
import { CliError, exitCodes, type ExitCode } from '../errors.ts';
import { homeFolder, lookAtOwnHome, openOwnHome, type HomeFlags } from '../own-home.ts';
import type { PassphraseFlags } from '../passphrase.ts';
import type { World } from '../world.ts';
import { wrapped } from '../wrapped.ts';
import { answerMsMax, nodeStateAt } from './node-state.ts';
import { readSettings } from './start-command.ts';

/** Flags of `preflight`. */
export interface PreflightFlags extends HomeFlags, PassphraseFlags {
  readonly format: string;
}

/** What was found, and in one word. */
export interface PreflightReport {
  readonly outcome: Finding['outcome'];
  readonly findings: readonly Finding[];
}

/** Three attempts of a dial at their longest, and a slow transfer. */
const probeMsMax = 120_000;

const doing: Readonly<Record<Check, string>> = {
  node: 'looking for the node of this home',
  clock: 'comparing the clock',
  disk: 'writing to the disk',
  rights: 'looking at the rights of files',
  keys: 'comparing keys',
  manifest: 'comparing manifests',
  data: "looking at this hospital's cases",
  port: 'trying the port',
  compute: 'timing a step of training',
  version: 'comparing programs',
  member: 'calling the other members',
};

/** Prints a table. Exit 0 when nothing failed; warnings are no failure. */
export async function preflightCommand(flags: PreflightFlags, world: World): Promise<ExitCode> {
  const { worstOf } = await import('../../node/index.ts');
  const findings = await preflightFindings(flags, world);
  if (world.isLive) world.erase(0);
  const report: PreflightReport = { outcome: worstOf(findings), findings };
  world.out(
    flags.format === 'json' ? `${JSON.stringify(report)}\n` : preflightText(report, world.columns),
  );
  return report.outcome === 'fail' ? exitCodes.failed : exitCodes.done;
}

/** All that a preflight finds. @throws {NodeError} 'no_home'; {ConfigError} for its node.yaml */
export async function preflightFindings(
  flags: PreflightFlags,
  world: World,
): Promise<readonly Finding[]> {
  const { askMembers, brokenHome, NodeError, runPreflight } = await import('../../node/index.ts');
  const { programDigest } = await import('../../host/index.ts');
  let home: HomeFacts;
  try {
    home = await lookAtOwnHome(flags, world);
  } catch (error) {
    if (error instanceof NodeError && error.code === 'no_home') throw error;
    return brokenHome(await homeFolder(flags, world), error);
  }
  const { node: settings } = await readSettings(flags, world);
  const { controlSocketOf } = await import('../../daemon/index.ts');
  const socket = controlSocketOf(home.folder, settings);
  const node = await nodeStateAt(socket);
  return runPreflight({
    ...{ home, settings, code: await programDigest(), node, nowMs: world.dateMs },
    onCheck: (check) => {
      if (!world.isLive) return;
      world.erase(0);
      world.out(`${doing[check]} …`);
    },
    ask: async () =>
      node === 'running'
        ? probeByNode(socket)
        : askMembers(await openOwnHome(flags, world), settings, world.dateMs),
  });
}

/** What the node of a home says of itself; null when it does not run or does not answer. */
export async function statusOfNode(
  home: string,
  settings: Parameters<typeof controlSocketOf>[1],
): Promise<unknown> {
  const { askControl } = await import('../../host/index.ts');
  const { controlSocketOf: socketOf } = await import('../../daemon/index.ts');
  const signal = AbortSignal.timeout(answerMsMax);
  const asked = { method: 'GET', path: '/status' } as const;
  const answer = await askControl(socketOf(home, settings), asked, signal).catch(() => null);
  return answer?.status === 200 ? answer.body : null;
}

/** The members by the running node's own links. */
async function probeByNode(socket: string): Promise<AskedMembers> {
  const { askControl } = await import('../../host/index.ts');
  const asked = { method: 'GET', path: '/probe' } as const;
  const { status, body } = await askControl(socket, asked, AbortSignal.timeout(probeMsMax));
  if (status === 200) return body as AskedMembers;
  const { error } = Object(body) as { error?: unknown };
  throw new CliError({ code: 'unreachable' }, `the node refused: ${String(error)}`);
}

const words: Readonly<Record<Finding['outcome'], string>> = {
  ...{ ok: 'ok', warn: 'WARN', fail: 'FAIL', unknown: '?' },
};

/** The table for a terminal: what was looked at, what was found, and below it what to do. */
export function preflightText({ findings }: PreflightReport, columns: number): string {
  const rows = findings.flatMap(({ check, subject, outcome, found, remedy }) => {
    const head = `${words[outcome].padEnd(6)}${check.padEnd(10)}`;
    const lines = wrapped(`${subject}: ${found}`, columns - head.length);
    const below = remedy === null ? [] : wrapped(`do: ${remedy}`, columns - head.length - 2);
    return [
      ...lines.map((line, at) => (at === 0 ? head : ' '.repeat(head.length)) + line),
      ...below.map((line) => `${' '.repeat(head.length + 2)}${line}`),
    ];
  });
  const count = (outcome: Finding['outcome']): number =>
    findings.filter((one) => one.outcome === outcome).length;
  const [fails, warns] = [count('fail'), count('warn')];
  const verdict =
    fails > 0
      ? `Not ready: mend what FAILs, the first one first${warns > 0 ? '; warnings can wait' : ''}.`
      : warns > 0
        ? 'Ready, with warnings.'
        : 'Ready.';
  return [...rows, '', verdict].map((line) => `${line}\n`).join('');
}
