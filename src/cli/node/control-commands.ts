/** Commands that ask a running node of this machine: `status`, `peers`, `wait`, `stop`, `logs`. */
import { setTimeout as pause } from 'node:timers/promises';
import type { OwnData } from '../../daemon/index.ts';
import type { NodeStatus } from '../../dashboard/index.ts';
import { CliError, exitCodes, usageError, type ExitCode } from '../errors.ts';
import { lookAtOwnHome, type HomeFlags } from '../own-home.ts';
import { parseCount } from '../numbers.ts';
import type { World } from '../world.ts';
import { readSettings } from './start-command.ts';

/** Flags of all these commands. */
export interface ControlFlags extends HomeFlags {
  readonly format: string;
}

/** Flags of `status`. */
export interface StatusFlags extends ControlFlags {
  readonly watch?: boolean;
  readonly health?: boolean;
  readonly cases?: boolean;
}

/** Flags of `wait`. */
export interface WaitFlags extends ControlFlags {
  readonly round?: string;
  readonly height?: string;
  readonly done?: boolean;
  readonly timeout?: string;
}

/** Of a wait that was in vain. */
const problemsShown = 3;
const watchMs = 1_000;
const stopMsMax = 60_000;
/** A node waits for 25 s at most before it answers. */
const oneWaitMsMax = 25_000;
const waitAnswerMsMax = 35_000;
const plainAnswerMsMax = 10_000;

/** What the node of a home answers. @throws {HostError} 'no_control'; {CliError} 'unreachable' when it refuses */
export async function askNode(
  flags: HomeFlags,
  world: World,
  method: 'GET' | 'POST',
  path: string,
  body?: Uint8Array,
): Promise<unknown> {
  const { askControl } = await import('../../host/index.ts');
  const { controlSocketOf } = await import('../../daemon/index.ts');
  const home = await lookAtOwnHome(flags, world);
  const { node } = await readSettings(flags, world);
  const socket = controlSocketOf(home.folder, node);
  const asked = { method, path, ...(body === undefined ? {} : { body }) };
  const answerMsMax = path.startsWith('/wait') ? waitAnswerMsMax : plainAnswerMsMax;
  const signal = AbortSignal.timeout(answerMsMax);
  const answer = await askControl(socket, asked, signal).catch((error: unknown) => {
    if (!signal.aborted) throw error;
    throw new CliError(
      { code: 'unreachable' },
      `the node of ${home.folder} is there and has not answered in ${answerMsMax / 1000} s: its process is suspended or overloaded; a suspended one (state T in ps) goes on after kill -CONT PID`,
    );
  });
  if (answer.status === 200) return answer.body;
  const { error } = Object(answer.body) as { error?: unknown };
  throw new CliError({ code: 'unreachable' }, `the node refused: ${String(error)}`);
}

async function statusNow(flags: HomeFlags, world: World): Promise<NodeStatus> {
  const { readStatus } = await import('../../dashboard/index.ts');
  return readStatus(JSON.stringify(await askNode(flags, world, 'GET', '/status')));
}

/** Shows what the node does and why; with `--health` says by the exit code whether it does its work. */
export async function statusCommand(flags: StatusFlags, world: World): Promise<ExitCode> {
  const { statusText } = await import('../../dashboard/index.ts');
  if (flags.cases === true) return casesOf(flags, world);
  if (flags.health === true) {
    const { health } = await statusNow(flags, world);
    const text = health.isHealthy ? 'healthy' : `not healthy: ${health.reasons.join('; ')}`;
    world.out(flags.format === 'json' ? `${JSON.stringify(health)}\n` : `${text}\n`);
    return health.isHealthy ? exitCodes.done : exitCodes.failed;
  }
  const textOf = (status: NodeStatus): string =>
    flags.format === 'json' ? `${JSON.stringify(status)}\n` : statusText(status);
  let text = textOf(await statusNow(flags, world));
  world.out(text);
  // Until Ctrl-C.
  while (flags.watch === true) {
    await pause(watchMs);
    const next = textOf(await statusNow(flags, world));
    if (world.isLive) world.erase(rowsOf(text, world.columns));
    world.out(next);
    text = next;
  }
  return exitCodes.done;
}

function rowsOf(text: string, columns: number): number {
  const lines = text.split('\n').slice(0, -1);
  return lines.reduce((rows, line) => rows + Math.max(1, Math.ceil(line.length / columns)), 0);
}

/** Own cases with their names: for the hospital's own screen, and in no log. */
async function casesOf(flags: StatusFlags, world: World): Promise<ExitCode> {
  const data = await askNode(flags, world, 'GET', '/cases');
  if (flags.format === 'json') {
    world.out(`${JSON.stringify(data)}\n`);
    return exitCodes.done;
  }
  const { countsText } = await import('../../daemon/index.ts');
  const { printableLine } = await import('../../base/index.ts');
  const own = data as OwnData | null;
  if (own === null) {
    world.out('no own cases have been looked at: none are set, or the node still reads them\n');
    return exitCodes.done;
  }
  world.out(`own cases: ${countsText(own.counts)}\n`);
  for (const { name, problem } of own.setAside) {
    world.out(`set aside  ${printableLine(name)}: ${printableLine(problem)}\n`);
  }
  return exitCodes.done;
}

/** The other members: where they are, how they stand and why. */
export async function peersCommand(flags: ControlFlags, world: World): Promise<ExitCode> {
  const { members } = await statusNow(flags, world);
  const home = await lookAtOwnHome(flags, world);
  const lines = home.manifests.at(-1)?.manifest.members ?? [];
  const peers = members
    .filter(({ isSelf }) => !isSelf)
    .map((member) => {
      const { id, link, layer, reason, remedy, lastHeardMs, sentBytes, receivedBytes } = member;
      const addresses = lines.find((line) => line.id === id)?.addresses ?? [];
      const bytes = { sentBytes, receivedBytes };
      return { id, link, layer, reason, remedy, addresses, lastHeardMs, ...bytes };
    });
  if (flags.format === 'json') world.out(`${JSON.stringify(peers)}\n`);
  else {
    for (const { id, link, reason, remedy, addresses } of peers) {
      world.out(
        `${id.padEnd(12)}${link.padEnd(13)}${addresses.join(' ') || 'no address: it calls'}\n`,
      );
      if (link !== 'connected') world.out(`            ${reason}\n`);
      if (remedy !== null) world.out(`            do: ${remedy}\n`);
    }
  }
  return exitCodes.done;
}

/** Resolves when the node has come so far. Exit 0 then; @throws {CliError} 'unreachable' when the time is over before */
export async function waitCommand(flags: WaitFlags, world: World): Promise<ExitCode> {
  const { round, height, done } = flags;
  const goals = [
    ...(round === undefined ? [] : [`round=${parseCount('--round', round)}`]),
    ...(height === undefined ? [] : [`height=${parseCount('--height', height)}`]),
    ...(done === true ? ['done=1'] : []),
  ];
  if (goals.length !== 1) throw usageError('give one of --round N, --height H and --done');
  const seconds = flags.timeout === undefined ? null : parseCount('--timeout', flags.timeout);
  const untilMs = seconds === null ? Infinity : world.nowMs() + seconds * 1000;
  for (;;) {
    const leftMs = Math.min(Math.max(0, untilMs - world.nowMs()), oneWaitMsMax);
    const asked = `/wait?${goals.join('&')}&ms=${Math.ceil(leftMs)}`;
    const answer = (await askNode(flags, world, 'GET', asked)) as {
      reached: boolean;
      status: NodeStatus;
    };
    if (answer.reached) {
      const { node, roundCounts } = answer.status;
      const facts = { height: node.height, isDone: node.isDone, roundsSealed: roundCounts.sealed };
      const text = `reached: height ${node.height}, ${roundCounts.sealed} rounds sealed`;
      world.out(flags.format === 'json' ? `${JSON.stringify(facts)}\n` : `${text}\n`);
      return exitCodes.done;
    }
    if (world.nowMs() >= untilMs) {
      const what = goals.join().replace('done=1', 'the end of the plan').replace('=', ' ');
      const late = `${what} was not reached in ${seconds ?? 0} s`;
      throw new CliError({ code: 'unreachable' }, [late, ...problemsOf(answer.status)].join('; '));
    }
  }
}

/** What is wrong with the node that was waited for, with what to do: the gravest first. */
function problemsOf({ messages }: NodeStatus): string[] {
  const grave = messages.filter(({ level }) => level !== 'info').slice(0, problemsShown);
  return grave.map(({ text, remedy }) => (remedy === null ? text : `${text}; do: ${remedy}`));
}

/** Asks the node to end, and waits until it has. */
export async function stopCommand(flags: ControlFlags, world: World): Promise<ExitCode> {
  const { HostError } = await import('../../host/index.ts');
  await askNode(flags, world, 'POST', '/stop');
  const untilMs = world.nowMs() + stopMsMax;
  for (;;) {
    const isGone = await askNode(flags, world, 'GET', '/status').then(
      () => false,
      (error: unknown) => error instanceof HostError && error.code === 'no_control',
    );
    if (isGone) break;
    if (world.nowMs() > untilMs) {
      throw new CliError(
        { code: 'unreachable' },
        `the node has not ended in ${stopMsMax / 1000} s`,
      );
    }
    await pause(100);
  }
  world.out(flags.format === 'json' ? `${JSON.stringify({ stopped: true })}\n` : 'stopped\n');
  return exitCodes.done;
}
