/** `annulus testnet`: a whole consortium of real processes on one machine, made and started the way hospitals do. */
import { existsSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative, resolve } from 'node:path';
import type { TestnetNode } from '../../daemon/index.ts';
import { CliError, exitCodes, usageError, type ExitCode } from '../errors.ts';
import { readNetworks, readPreset } from '../files.ts';
import { parseCount } from '../numbers.ts';
import { settingOf } from '../overrides.ts';
import type { World } from '../world.ts';
import { stopCommand } from './control-commands.ts';

/** Flags of `testnet`. */
export interface TestnetFlags {
  readonly nodes: string;
  readonly output?: string;
  readonly preset: string;
  readonly set?: readonly string[];
  readonly start?: boolean;
  readonly stop?: string;
  readonly format: string;
}

/** Makes, starts or stops a test network. Exit 0; 1 when a process of it ended that nobody asked to. */
export async function testnetCommand(
  flags: TestnetFlags,
  given: readonly string[],
  world: World,
): Promise<ExitCode> {
  if (flags.stop !== undefined) {
    const others = given.filter((flag) => !['--stop', '--format'].includes(flag));
    if (others.length > 0) throw usageError(`--stop ends a network that runs: leave out ${others.join(', ')}`); // prettier-ignore
    return stopAll(resolve(flags.stop), flags, world);
  }
  if (flags.output === undefined)
    throw usageError('expected -o FOLDER, where the network is, or is to be made');
  const folder = resolve(flags.output);
  const { readTestnet } = await import('../../daemon/index.ts');
  const isThere = existsSync(join(folder, 'testnet.json'));
  if (isThere && flags.start !== true) {
    throw usageError(
      `${flags.output}: a test network is there already: start it with --start, or choose another folder`,
    );
  }
  if (!isThere && existsSync(folder) && readdirSync(folder).length > 0) {
    throw usageError(
      `${flags.output}: expected a new or an empty folder, or one with a test network; choose another`,
    );
  }
  if (isThere && given.includes('--nodes')) {
    throw usageError(
      `${flags.output}: a test network is there already: leave out --nodes, or choose another folder`,
    );
  }
  const nodes = isThere ? await readTestnet(folder) : await make(folder, flags, world);
  if (!isThere) world.err(teaching(folder, nodes, flags.start === true));
  if (flags.format === 'json') world.out(`${JSON.stringify({ folder, nodes })}\n`);
  return flags.start === true ? run(folder, nodes, world) : exitCodes.done;
}

async function make(folder: string, flags: TestnetFlags, world: World): Promise<TestnetNode[]> {
  const { loadPreset } = await import('../../config/index.ts');
  const { writeTestnet } = await import('../../daemon/index.ts');
  const count = parseCount('--nodes', flags.nodes);
  const { text, file } = await readPreset(flags.preset);
  const overrides = (flags.set ?? []).map(settingOf);
  const settings = loadPreset(text, file, overrides, await readNetworks());
  const workers = Math.max(1, Math.floor(availableParallelism() / Math.max(1, count)));
  let shown = 0;
  const onCase = (done: number, total: number): void => {
    if (done < total && world.nowMs() - shown < 1000) return;
    shown = world.nowMs();
    world.err(`phantoms written as files: ${done} of ${total}\n`);
  };
  const nowMs = world.dateMs();
  return writeTestnet({ folder, count, settings, workers, nowMs, onCase });
}

/** What a reader can do next, and how the same is done by real hospitals. */
function teaching(folder: string, nodes: readonly TestnetNode[], isStarted: boolean): string {
  const near = nearest(folder);
  const [first] = nodes;
  const home = first === undefined ? '' : nearest(first.home);
  const steps = [
    [`annulus status --home ${home}`, `what ${first?.id ?? 'it'} does, and why`],
    [`annulus wait --done --home ${home}`, 'until the plan is carried out'],
    [`annulus stop --home ${home}`, `ends one; annulus start --home ${home} goes on from there`],
    [`annulus audit verify ${near}`, 'checks the logs of all'],
    [`annulus testnet --stop ${near}`, 'ends all'],
  ] as const;
  const widest = Math.max(...steps.map(([line]) => line.length));
  const pages = nodes.map(({ id, pagePort }) => `  ${id.padEnd(6)}http://127.0.0.1:${pagePort}/`);
  return `
${near}: ${nodes.length} hospitals, each with a home of its own, keys that were made there, and its cases as files.
The genesis manifest is signed by all of them.

${isStarted ? 'They start now; Ctrl-C ends them all.' : `Start all:      annulus testnet -o ${near} --start`}
In another terminal (in the cloned folder with npx before annulus):
${steps.map(([line, what]) => `  ${line.padEnd(widest)}   ${what}`).join('\n')}
Pages:
${pages.join('\n')}

The same with two machines: on each, annulus init makes a home; one drafts the manifest (annulus consortium draft), every
organisation signs it (annulus consortium sign), each takes it in (annulus join), and annulus start runs the node. What
differs from this network: keys have passphrases, the organisation's key lies in a safe, and addresses can be reached from
outside. docs/running-a-node.md goes through it.
`;
}

/** The path as one would type it. */
function nearest(path: string): string {
  const near = relative('', path) || '.';
  return near.startsWith('..') ? path : near;
}

/** Runs all processes until Ctrl-C, or until none is left. */
async function run(folder: string, nodes: readonly TestnetNode[], world: World): Promise<ExitCode> {
  const { TestnetProcesses } = await import('../../daemon/index.ts');
  const { packageFile, systemClock } = await import('../../host/index.ts');
  const { signal } = world;
  let unasked = 0;
  const processes = new TestnetProcesses({
    nodes,
    program: [process.execPath, packageFile('bin/annulus.js')],
    clock: systemClock(),
    onLine: (id, line) => {
      world.out(`${id.padEnd(6)}${line}\n`);
    },
    onExit: (id, how) => {
      // Another command may have ended it in order.
      if (how !== 'exit code 0') unasked += 1;
      world.out(`${id.padEnd(6)}ended: ${how}\n`);
    },
  });
  const stopped = new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => {
      void processes.stop().then(resolve);
    });
  });
  await Promise.race([processes.ended(), stopped]);
  if (signal.aborted) await stopped;
  if (unasked > 0) {
    const words = `${unasked} of ${nodes.length} nodes ended by themselves: see above, and annulus logs --home ${folder}/ID/home`;
    throw new CliError({ code: 'check_failed' }, words);
  }
  return exitCodes.done;
}

async function stopAll(folder: string, flags: TestnetFlags, world: World): Promise<ExitCode> {
  const { readTestnet } = await import('../../daemon/index.ts');
  const { HostError } = await import('../../host/index.ts');
  for (const { id, home } of await readTestnet(folder)) {
    const said = await stopCommand({ home, format: 'text' }, silent(world)).then(
      () => 'stopped',
      (error: unknown) => {
        if (error instanceof HostError && error.code === 'no_control') return 'was not running';
        throw error;
      },
    );
    world.out(
      flags.format === 'json' ? `${JSON.stringify({ id, said })}\n` : `${id.padEnd(6)}${said}\n`,
    );
  }
  return exitCodes.done;
}

/** The process, but for what a command says. */
function silent(world: World): World {
  return Object.create(world, { out: { value: () => undefined } }) as World;
}
