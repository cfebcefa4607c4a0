/**
 * Member processes in network namespaces of their own, joined by links with a rate, a delay and loss, which can be cut. Needs
 * root and a `tunlink.py` (docs/specs/network.md says what it is), found by ANNULUS_TUNLINK or beside the repository.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, extname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { BulkNodeOptions, BulkNodeSays } from './bulk-node.ts';

const here = dirname(fileURLToPath(import.meta.url));

/** The program that makes the links; null where there is none, or no right to run it. */
export function tunlinkProgram(): string | null {
  const near = ['..', '../..', '../../..'].map((up) =>
    join(here, '../..', up, 'shared/tools/tunlink.py'),
  );
  const found = [process.env.ANNULUS_TUNLINK ?? '', ...near].find((path) => existsSync(path));
  return process.getuid?.() === 0 && existsSync('/dev/net/tun') ? (found ?? null) : null;
}

/** How all links are. */
export interface LinkShape {
  readonly mbitPerSecond: number;
  readonly delayMs: number;
  readonly lossPercent: number;
}

/** The final words of a node. */
export type BulkReport = Extract<BulkNodeSays, { kind: 'done' }>;

interface Told {
  readonly child: ChildProcess;
  readonly said: BulkNodeSays[];
}

/** Network namespaces `flx1`, `flx2` … with 10.88.0.1, .2 … and the lines between them. */
export class Tunlinks {
  readonly #program: ChildProcess;

  private constructor(program: ChildProcess) {
    this.#program = program;
  }

  static async start(
    count: number,
    { mbitPerSecond, delayMs, lossPercent }: LinkShape,
  ): Promise<Tunlinks> {
    // Before all others: a line that waits for a processor would be measured in place of the nodes.
    const program = spawn(
      'nice',
      [
        ...['-n', '-10', 'python3'],
        ...[tunlinkProgram() ?? '', String(count), '--rate', String(mbitPerSecond)],
        ...['--delay', String(delayMs), '--loss', String(lossPercent)],
      ],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    );
    await new Promise<void>((resolve, reject) => {
      program.stdout.once('data', () => {
        resolve();
      });
      program.once('exit', () => {
        reject(new Error('tunlink ended before it began'));
      });
    });
    return new Tunlinks(program);
  }

  /** What a command line begins with, to run behind the line with this number, from 1. */
  static behind(number: number): readonly string[] {
    return ['ip', 'netns', 'exec', `flx${number}`];
  }

  /** Where others reach what listens behind that line. */
  static addressOf(number: number): string {
    return `10.88.0.${number}:4001`;
  }

  /** Only nodes of one group reach each other, by number from 1. */
  cut(groups: readonly (readonly number[])[]): void {
    this.#program.stdin?.write(`cut ${groups.map((group) => group.join(',')).join('|')}\n`);
  }

  heal(): void {
    this.#program.stdin?.write('heal\n');
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#program.once('exit', resolve));
    this.#program.stdin?.write('quit\n');
    await ended;
  }
}

/** Some processes and the links between them. */
export class TunlinkWorld {
  readonly links: Tunlinks;
  readonly #folder: string;
  readonly #nodes: Told[] = [];

  private constructor(links: Tunlinks, folder: string) {
    this.links = links;
    this.#folder = folder;
  }

  /** Starts `count` nodes; `hidden` are the numbers (from 1) of those that listen nowhere. */
  static async start(
    count: number,
    shape: LinkShape,
    blobBytes: number,
    hidden: readonly number[],
  ): Promise<TunlinkWorld> {
    const links = await Tunlinks.start(count, shape);
    const world = new TunlinkWorld(links, await mkdtemp(join(tmpdir(), 'annulus-bulk-')));
    const addresses = Array.from({ length: count }, (_, at) =>
      hidden.includes(at + 1) ? null : Tunlinks.addressOf(at + 1),
    );
    for (let number = 1; number <= count; number++) {
      const folder = join(world.#folder, String(number));
      world.#spawn({ number, count, addresses, folder, blobBytes });
    }
    return world;
  }

  /** What every node said of this kind, once all have. */
  async all<K extends BulkNodeSays['kind']>(
    kind: K,
  ): Promise<Extract<BulkNodeSays, { kind: K }>[]> {
    for (;;) {
      const found = this.#nodes.map(({ said }) =>
        said.find((one): one is Extract<BulkNodeSays, { kind: K }> => one.kind === kind),
      );
      const said = found.filter((one) => one !== undefined);
      if (said.length === this.#nodes.length) return said;
      const dead = this.#nodes.findIndex(({ child }) => child.exitCode !== null);
      if (dead >= 0) throw new Error(`node ${dead + 1} ended`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Lets every node fetch the blobs of all others. */
  async exchange(): Promise<void> {
    const digests = (await this.all('ready')).map(({ digest }) => digest);
    await this.all('met');
    for (const { child } of this.#nodes) child.stdin?.write(`${JSON.stringify(digests)}\n`);
  }

  async stop(): Promise<void> {
    for (const { child } of this.#nodes) child.kill('SIGKILL');
    await this.links.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }

  #spawn(options: BulkNodeOptions): void {
    const program = join(here, `bulk-node${extname(fileURLToPath(import.meta.url))}`);
    const [ip = '', ...behind] = Tunlinks.behind(options.number);
    const child = spawn(
      ip,
      [
        ...[...behind, process.execPath],
        ...['--disable-warning=ExperimentalWarning', program, JSON.stringify(options)],
      ],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    );
    const said: BulkNodeSays[] = [];
    createInterface({ input: child.stdout }).on('line', (line) => {
      said.push(JSON.parse(line) as BulkNodeSays);
    });
    this.#nodes.push({ child, said });
  }
}
