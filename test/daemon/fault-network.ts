/** A small test network of real processes, into which faults are put, and what its commands say of them. */
import { spawn, type ChildProcess } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { PreflightReport } from '../../src/cli/node/preflight-command.ts';
import { loadPreset } from '../../src/config/index.ts';
import { writeTestnet, type TestnetNode } from '../../src/daemon/index.ts';
import type { NodeStatus } from '../../src/dashboard/index.ts';
import { packageFile } from '../../src/host/index.ts';
import { projectRoot } from '../project-root.ts';
import { ended, type Ended } from './processes.ts';

/** What a process is made of. */
export interface Program {
  /** Flags of node before the program. */
  readonly flags?: readonly string[];
  /** Root of a copy of the package. */
  readonly root?: string;
  /** A command in front of it all: `unshare -m`. */
  readonly before?: readonly string[];
}

/** Shifts what the program takes for the time of the machine. */
export function clockShift(ms: number): Program {
  const source = `const now = Date.now; Date.now = () => now() + ${ms};`;
  return { flags: ['--import', `data:text/javascript,${encodeURIComponent(source)}`] };
}

/** The package with one file of it changed, in `folder`. */
export function changedProgram(
  folder: string,
  file: string,
  change: (text: string) => string,
): Program {
  mkdirSync(join(folder, 'dist'), { recursive: true });
  cpSync(packageFile('dist/src'), join(folder, 'dist/src'), { recursive: true });
  for (const name of ['node_modules', 'build', 'config', 'package.json']) {
    symlinkSync(packageFile(name), join(folder, name));
  }
  const path = join(folder, 'dist/src', file);
  const text = readFileSync(path, 'utf8');
  const changed = change(text);
  if (changed === text) throw new Error(`${file}: nothing was changed`);
  writeFileSync(path, changed);
  return { root: folder };
}

function commandOf({ flags = [], root, before = [] }: Program, args: readonly string[]): string[] {
  const main = root === undefined ? packageFile('dist/src/cli/main.js') : join(root, 'dist/src/cli/main.js'); // prettier-ignore
  return [...before, process.execPath, ...flags, main, ...args];
}

/** Runs a command to its end. */
export async function annulus(args: readonly string[], program: Program = {}): Promise<Ended> {
  const [command = '', ...rest] = commandOf(program, args);
  return ended(command, rest);
}

/** The network, and the processes that run on it. */
export class FaultNetwork {
  readonly folder: string;
  readonly nodes: Map<string, TestnetNode> = new Map<string, TestnetNode>();
  readonly #running = new Map<string, ChildProcess>();

  constructor(folder: string) {
    this.folder = folder;
  }

  /** Four homes with the smoke preset's sizes, rounds without end that wait for a minute, and a quick network. */
  async write(): Promise<void> {
    const text = readFileSync(join(projectRoot, 'config/smoke.yaml'), 'utf8');
    const smoke = loadPreset(text, 'smoke.yaml');
    const { training, network, peer } = smoke;
    const settings = {
      ...smoke,
      network: { ...network, dialTimeoutMs: 2_000, pingIntervalMs: 1_000, silenceMsMax: 8_000 },
      peer: { ...peer, tickMs: 500 },
      training: {
        ...training,
        roundTimeoutMs: 60_000,
        teacher: { ...training.teacher, stepsPerRound: 1 },
        student: { ...training.student, stepsPerRound: 1, rounds: 1_000 },
      },
    };
    const made = await writeTestnet({
      ...{ folder: this.folder, count: 4, settings, workers: 1, nowMs: Date.now() },
      onCase: () => undefined,
    });
    for (const node of made) this.nodes.set(node.id, node);
  }

  home(id: string): string {
    return join(this.folder, id, 'home');
  }

  start(id: string, program: Program = {}, ...flags: readonly string[]): void {
    const args = ['start', '--home', this.home(id), '--set', 'dashboard.port=0', ...flags];
    const [command = '', ...rest] = commandOf(program, args);
    this.#running.set(id, spawn(command, rest, { stdio: 'ignore' }));
  }

  signal(id: string, signal: NodeJS.Signals): void {
    this.#running.get(id)?.kill(signal);
  }

  /** Ends a process and waits for it. */
  async end(id: string, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#running.get(id);
    this.#running.delete(id);
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const over = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await over;
  }

  async endAll(): Promise<void> {
    for (const id of [...this.#running.keys()]) {
      this.signal(id, 'SIGCONT');
      await this.end(id, 'SIGKILL');
    }
  }

  async preflight(home: string, program: Program = {}): Promise<PreflightReport> {
    const { out, err } = await annulus(['preflight', '--home', home, '--format', 'json'], program);
    if (out === '') throw new Error(err);
    return JSON.parse(out) as PreflightReport;
  }

  async status(id: string): Promise<NodeStatus | null> {
    const { code, out } = await annulus(['status', '--home', this.home(id), '--format', 'json']);
    return code === 0 ? (JSON.parse(out) as NodeStatus) : null;
  }

  /** The status of `id` once it says so. @throws with what it says when it does not come to it */
  async until(
    id: string,
    says: (status: NodeStatus) => boolean,
    what: string,
  ): Promise<NodeStatus> {
    let last: NodeStatus | null = null;
    for (let left = 120; left > 0; left--) {
      last = await this.status(id);
      if (last !== null && says(last)) return last;
      await pause(500);
    }
    const members = last?.members.map((one) => `${one.id} ${one.link}: ${one.reason}`);
    const messages = last?.messages.map(({ code, text }) => `${code}: ${text}`);
    throw new Error(`${id} never said ${what}:\n${JSON.stringify([members, messages], null, 1)}`);
  }
}
