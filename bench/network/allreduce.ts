/**
 * The average of a model among processes on one machine, exact and in shards, of whole updates and of int8: through our transport, content store and the jobs
 * of a round, and beside it `torch.distributed`'s all_reduce over gloo. `node bench/network/allreduce.ts [MEMBERS [MEGABYTES ...]]`: 8 members, 25
 * and 100 MB unless told otherwise. Ours also encrypts, signs for nobody, and lets every member check every update; gloo adds floats.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { modelFileBytes, type ModelLayout } from '../../src/weights/index.ts';
import type { Answer, NodeOptions, ToldSum, ToldUpdate } from './allreduce-node.ts';

const memberCount = Number(process.argv[2] ?? 8);
const sizes = process.argv.length > 3 ? process.argv.slice(3).map(Number) : [25, 100];
const python = process.env.PYTHON ?? '/usr/bin/python3';

const [model] = cpus();
console.log(
  `${model?.model ?? ''}, ${availableParallelism()} cores, load ${loadavg()[0]?.toFixed(1) ?? ''}, Node ${process.version}`,
);
for (const megabytes of sizes) {
  console.log(`\n${megabytes} MB among ${memberCount} processes`);
  const gloo = await allReduce(megabytes);
  for (const compression of ['none', 'int8'] as const) {
    const models = new Set<string>();
    for (const kind of ['exact', 'sharded'] as const) {
      const ours = await average(megabytes, kind, compression);
      models.add(ours.model);
      print(`${kind}, ${compression}`, ours);
      console.log(`  of which ${ours.parts.join(', ')}`);
      console.log(`  ${(ours.seconds / gloo.seconds).toFixed(1)} times gloo's time`);
    }
    if (models.size !== 1) throw new Error('the two averages differ');
  }
  print('gloo', gloo);
}

interface Figures {
  readonly seconds: number;
  /** Copies of the model that leave a node, at most. */
  readonly copiesUp: number;
  readonly cpuSeconds: number;
  readonly peakMib: number;
}

function print(name: string, { seconds, copiesUp, cpuSeconds, peakMib }: Figures): void {
  console.log(
    `${name}: ${seconds.toFixed(2)} s, ${copiesUp.toFixed(2)} model copies up per node, ` +
      `${cpuSeconds.toFixed(1)} s CPU of all, ${peakMib.toFixed(0)} MiB peak of one`,
  );
}

/** From trained models on the disk to the same averaged model on every disk. */
async function average(
  megabytes: number,
  kind: 'exact' | 'sharded',
  compression: 'none' | 'int8',
): Promise<Figures & { readonly parts: readonly string[]; readonly model: string }> {
  const layout: ModelLayout = [
    { name: 'blocks.0.weight', shape: [megabytes * 125_000] },
    { name: 'blocks.1.weight', shape: [megabytes * 125_000 - 2_000] },
    { name: 'outs.hps.conv.conv.weight', shape: [1_000] },
    { name: 'outs.ms.conv.conv.weight', shape: [1_000] },
  ];
  const folder = await mkdtemp(join(tmpdir(), 'annulus-allreduce-'));
  const ports = await freePorts(memberCount);
  const nodes = ports.map((_, at) =>
    startNode({
      ...{ number: at + 1, ports, folder: join(folder, String(at + 1)), layout },
      ...(compression !== 'none' && { compression }),
    }),
  );
  try {
    await Promise.all(nodes.map(async (node) => node.next()));
    const beganMs = performance.now();
    const askAll = (command: string, updates: ToldUpdate[] = [], sums: ToldSum[] = []) =>
      Promise.all(nodes.map(async (node) => node.ask(command, updates, sums)));
    const told = await askAll(kind === 'exact' ? 'encrypt' : 'shard');
    const updates = told.map(({ update }) => update).filter((update) => update !== undefined);
    const sums =
      kind === 'exact' ? [] : (await askAll('reduce', updates)).flatMap((one) => one.sums ?? []);
    const answers = await askAll(kind === 'exact' ? 'average' : 'assemble', updates, sums);
    const seconds = (performance.now() - beganMs) / 1000;
    if (new Set(answers.map((one) => one.model)).size !== 1) throw new Error('models differ');
    const most = (of: (one: Answer) => number | undefined): number =>
      Math.max(...answers.map((one) => of(one) ?? 0));
    const cpuOf = (what: string): number =>
      answers.reduce((sum, one) => sum + (one.parts?.[what]?.cpuSeconds ?? 0), 0);
    const names = Object.keys(answers[0]?.parts ?? {});
    const parts = names.map((what) => {
      const wallS = most((one) => one.parts?.[what]?.seconds);
      return `${what} ${wallS.toFixed(1)} s (${cpuOf(what).toFixed(1)} s CPU)`;
    });
    return {
      ...{ seconds, parts, peakMib: most((one) => one.peakMib) },
      model: answers[0]?.model ?? '',
      copiesUp: most((one) => one.sentBytes) / modelFileBytes(layout),
      cpuSeconds: names.reduce((sum, what) => sum + cpuOf(what), 0),
    };
  } finally {
    for (const { child } of nodes) child.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  }
}

interface RunningNode {
  readonly child: ChildProcess;
  readonly next: () => Promise<Answer>;
  readonly ask: (
    command: string,
    updates: readonly ToldUpdate[],
    sums: readonly ToldSum[],
  ) => Promise<Answer>;
}

function startNode(options: NodeOptions): RunningNode {
  const program = join(import.meta.dirname, 'allreduce-node.ts');
  const args = ['--disable-warning=ExperimentalWarning', program, JSON.stringify(options)];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<Answer> => {
    const line = await lines.next();
    if (line.done === true) throw new Error(`node ${options.number} ended`);
    return JSON.parse(line.value) as Answer;
  };
  return {
    ...{ child, next },
    ask: async (command, updates, sums) => {
      child.stdin.write(`${JSON.stringify([command, updates, sums])}\n`);
      return next();
    },
  };
}

/** The same with gloo, from tensors in memory to tensors in memory. */
async function allReduce(megabytes: number): Promise<Figures> {
  const [port] = await freePorts(1);
  const program = join(import.meta.dirname, 'gloo_allreduce.py');
  const reports = await Promise.all(
    Array.from({ length: memberCount }, async (_, rank) => {
      const args = [program, rank, memberCount, port ?? 0, megabytes].map(String);
      const child = spawn(python, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      let text = '';
      for await (const part of child.stdout) text += String(part);
      return JSON.parse(text) as Omit<Figures, 'copiesUp'>;
    }),
  );
  return {
    seconds: Math.max(...reports.map((one) => one.seconds)),
    // By the algorithm, a ring: not counted.
    copiesUp: (2 * (memberCount - 1)) / memberCount,
    cpuSeconds: reports.reduce((sum, one) => sum + one.cpuSeconds, 0),
    peakMib: Math.max(...reports.map((one) => one.peakMib)),
  };
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
