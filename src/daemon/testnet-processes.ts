/** The processes of a test network: one for each home, started and ended together. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Clock, NodeId } from '../base/index.ts';
import type { TestnetNode } from './testnet.ts';

/** How the processes are started, and who hears of them. */
export interface FleetOptions {
  readonly nodes: readonly TestnetNode[];
  /** The program with its first arguments: `[node, bin/annulus.js]`. */
  readonly program: readonly [string, ...string[]];
  readonly clock: Clock;
  /** A line of a node, of either stream. */
  readonly onLine: (id: NodeId, line: string) => void;
  /** A process ended that nobody asked to. */
  readonly onExit: (id: NodeId, how: string) => void;
}

/** What a stop may take; then processes are killed. Nothing is lost by it. */
const stopMsMax = 20_000;

/** See the file's header. */
export class TestnetProcesses {
  readonly #options: FleetOptions;
  readonly #running = new Map<NodeId, ChildProcess>();
  #isStopping = false;

  constructor(options: FleetOptions) {
    this.#options = options;
    for (const node of options.nodes) this.#spawn(node);
  }

  /** Asks all to end, and resolves when all have. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const child of this.#running.values()) child.kill('SIGTERM');
    const kill = this.#options.clock.setTimer(stopMsMax, () => {
      for (const child of this.#running.values()) child.kill('SIGKILL');
    });
    await this.ended();
    kill();
  }

  /** Resolves when no process is left. */
  async ended(): Promise<void> {
    await Promise.all(
      [...this.#running.values()].map(
        (child) =>
          new Promise<void>((resolve) => {
            child.once('exit', () => {
              resolve();
            });
          }),
      ),
    );
  }

  #spawn({ id, home }: TestnetNode): void {
    const { program, onLine, onExit } = this.#options;
    const [command, ...first] = program;
    const child = spawn(command, [...first, 'start', '--home', home], {
      stdio: ['ignore', 'pipe', 'pipe'],
      // Ctrl-C at the terminal is for this process, which ends the others in order.
      detached: true,
    });
    this.#running.set(id, child);
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        onLine(id, line);
      });
    }
    child.on('error', (error) => {
      onLine(id, error.message);
    });
    child.on('exit', (code, signal) => {
      this.#running.delete(id);
      if (!this.#isStopping) onExit(id, signal ?? `exit code ${code ?? 0}`);
    });
  }
}
