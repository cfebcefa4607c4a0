/** The built program as processes, for tests that need real ones. */
import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { packageFile } from '../../src/host/index.ts';

const main = packageFile('dist/src/cli/main.js');

/** What a command did. */
export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs a command to its end. */
export async function annulus(...args: readonly string[]): Promise<Ended> {
  return ended(process.execPath, [main, ...args]);
}

/** Runs a program to its end. */
export async function ended(program: string, args: readonly string[]): Promise<Ended> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, err] = ['', ''];
  child.stdout.on('data', (part: Buffer) => (out += part.toString()));
  child.stderr.on('data', (part: Buffer) => (err += part.toString()));
  return new Promise((resolve) => {
    child.on('close', (code) => {
      resolve({ code, out, err });
    });
  });
}

/** As `annulus`, for a command that must do: what it printed. @throws with all that it said when it does not */
export async function done(...args: readonly string[]): Promise<string> {
  const { code, out, err } = await annulus(...args);
  if (code !== 0)
    throw new Error(`annulus ${args.join(' ')}: exit code ${code ?? 0}\n${out}${err}`);
  return out;
}

/** A command that goes on until it is ended. */
export class RunningProgram {
  readonly #child: ChildProcess;
  readonly #exit: Promise<number | null>;
  #text = '';

  /** @param before what the command line begins with, as `ip netns exec NAME` */
  constructor(args: readonly string[], before: readonly string[] = []) {
    const [program = '', ...rest] = [...before, process.execPath, main, ...args];
    this.#child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (part: Buffer) => (this.#text += part.toString()));
    }
    this.#exit = new Promise((resolve) => {
      this.#child.on('close', resolve);
    });
  }

  /** All that it said. */
  get text(): string {
    return this.#text;
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Ends it as a power cut would. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exit;
  }

  /** Asks it to end. @returns its exit code */
  async stop(signal: 'SIGTERM' | 'SIGINT' = 'SIGTERM'): Promise<number | null> {
    this.#child.kill(signal);
    return this.#exit;
  }

  /** Resolves when it has ended. @returns its exit code */
  ended(): Promise<number | null> {
    return this.#exit;
  }
}

/** A node that runs. */
export class NodeProcess extends RunningProgram {
  readonly home: string;

  /** @param flags further ones of `annulus start` @param before as of `RunningProgram` */
  constructor(home: string, flags: readonly string[] = [], before: readonly string[] = []) {
    super(['start', '--home', home, ...flags], before);
    this.home = home;
  }
}

/** `annulus audit witness` as a regulator runs it. */
export class WitnessProcess extends RunningProgram {
  /** @param port 0 for any. @returns it, when it answers */
  static async start(folder: string, policy: string, port: number): Promise<WitnessProcess> {
    const witness = new WitnessProcess([
      ...['audit', 'witness', folder, '--policy', policy],
      ...['--name', 'regulator.example/annulus', '--port', String(port)],
    ]);
    while (!witness.text.includes('Ctrl-C ends it')) {
      if (witness.hasEnded) throw new Error(`the witness ended:\n${witness.text}`);
      await pause(50);
    }
    return witness;
  }

  /** The line that it prints for the members' `node.yaml`. */
  get settingsLine(): string {
    return /^witnesses: .*$/m.exec(this.text)?.[0] ?? '';
  }

  get port(): number {
    return Number(/:(\d+)\/ cosigns/.exec(this.text)?.[1]);
  }
}
