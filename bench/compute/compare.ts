/** Our training step beside PyTorch's: same nets, shapes, weights, threads and session. bench/README.md says how to read it. */
import { parseArgs } from 'node:util';
import { availableParallelism } from 'node:os';
import { messageOf } from '../../src/base/index.ts';
import { precisions, type Precision } from '../../src/compute/index.ts';
import { machineLine, readMachine } from '../../src/host/index.ts';
import { compareSides, differenceMax, withTensors, type Agreement } from './agreement.ts';
import { agreementCases, cases, quickCases, type Case } from './cases.ts';
import { agreementLine, header, rowLine, summaryLine, type Row } from './comparison-table.ts';
import { startOwn, startTorch, type SideWorker } from './worker.ts';

const help = `Our training step beside PyTorch's, in turns: same nets, shapes, weights, inputs and threads.

node bench/compute/compare.ts [flags]        (npm run bench:compute -- [flags])

  --only TEXT          cases whose name contains it, as "conv", "teacher 16", "64³"; repeatable
  --quick              one small case of each kind, under a minute
  --backend NAME       ours: auto or one that annulus doctor lists (default auto)
  --threads N          of both sides (default: as many as there are processors)
  --precision f32|bf16 of both sides: bf16 is PyTorch's autocast, and our native backend's (default f32)
  --tf32               PyTorch on a card rounds what it convolves to ten bits, which is its default (ours webgpu or cuda)
  --seconds N          to spend on each case and side, at least three steps (default 8)
  --clock wall|cpu     cpu: processor time of all threads, for a machine with other work (default wall)
  --format text|json
  --python PATH        one that has torch (default /usr/bin/python3; Debian: apt-get install python3-torch
                       libopenblas0-openmp)
  --list               the names of the cases
`;

const options = {
  only: { type: 'string', multiple: true },
  quick: { type: 'boolean', default: false },
  backend: { type: 'string', default: 'auto' },
  threads: { type: 'string', default: String(availableParallelism()) },
  precision: { type: 'string', default: 'f32' },
  tf32: { type: 'boolean', default: false },
  seconds: { type: 'string', default: '8' },
  clock: { type: 'string', default: 'wall' },
  format: { type: 'string', default: 'text' },
  python: { type: 'string', default: '/usr/bin/python3' },
  list: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

const flags = readFlags();
const precision: Precision = flags.precision === 'bf16' ? 'bf16' : 'f32';
const isText = flags.format !== 'json';

interface Pair {
  readonly own: SideWorker;
  readonly torch: SideWorker;
  readonly backend: string;
  readonly torchVersion: string;
  readonly threads: number;
  readonly note: string | null;
}

function readFlags(): ReturnType<typeof parseArgs<{ options: typeof options }>>['values'] {
  try {
    const { values } = parseArgs({ options });
    const choices = {
      precision: precisions,
      format: ['text', 'json'],
      clock: ['wall', 'cpu'],
    };
    for (const [name, known] of Object.entries(choices) as [
      keyof typeof choices,
      readonly string[],
    ][]) {
      if (!known.includes(values[name]))
        throw new Error(`--${name}: expected ${known.join(' or ')}`);
    }
    for (const name of ['threads', 'seconds'] as const) {
      if (!(Number(values[name]) > 0)) throw new Error(`--${name}: expected a number above 0`);
    }
    return values;
  } catch (error) {
    console.error(`bench: ${messageOf(error)}`);
    process.exit(2);
  }
}

function say(line: string): void {
  if (isText) console.log(line);
}

/** Both sides with the same number of threads: PyTorch gets what ours says it uses. It takes its precision with each case. */
async function startPair(ourPrecision: Precision, tf32 = false): Promise<Pair> {
  const own = startOwn();
  const torch = startTorch(flags.python);
  try {
    const { backend } = flags;
    const hello = { do: 'hello', backend, threads: Number(flags.threads) } as const;
    const ours = await own.ask({ ...hello, options: { precision: ourPrecision } });
    const device = ours.version.startsWith('webgpu') || ours.version === 'cuda' ? 'cuda' : 'cpu';
    const theirs = await torch.ask({ ...hello, threads: ours.threads, device, tf32 });
    return {
      ...{ own, torch, backend: ours.version, torchVersion: theirs.version },
      ...{ threads: theirs.threads, note: theirs.note ?? null },
    };
  } catch (error) {
    end({ own, torch });
    throw error;
  }
}

function end({ own, torch }: Pick<Pair, 'own' | 'torch'>): void {
  own.end();
  torch.end();
}

async function checkAgreement(pair: Pair): Promise<Agreement[]> {
  const found: Agreement[] = [];
  for (const given of agreementCases) {
    const agreement = await compareSides(given, pair.own, pair.torch);
    found.push(agreement);
    say(agreementLine(agreement));
  }
  const worst = found.find(({ output, loss }) => !(output < differenceMax && loss < differenceMax));
  if (worst !== undefined) {
    throw new Error(`the two sides differ on ${worst.id}: times of different nets say nothing`);
  }
  return found;
}

/** Alternating steps after one unmeasured; a side that fails leaves its half of the row empty. */
async function measure(given: Case): Promise<Row> {
  const pair = await startPair(precision, flags.tf32);
  try {
    const sides = [pair.own, pair.torch] as const;
    const ms: [number[], number[]] = [[], []];
    const losses: [number[], number[]] = [[], []];
    const failures: [string | null, string | null] = [null, null];
    const step = async (side: 0 | 1, isMeasured: boolean): Promise<void> => {
      if (failures[side] !== null) return;
      try {
        const run = await sides[side].ask({ do: 'run', repeats: 1 });
        losses[side].push(...run.losses);
        if (isMeasured) ms[side].push(...(flags.clock === 'cpu' ? run.cpuMs : run.wallMs));
      } catch (error) {
        failures[side] = messageOf(error);
      }
    };
    await withTensors(given, async (file) => {
      for (const side of [0, 1] as const) {
        const opening = sides[side].ask({ do: 'open', case: given, file, precision });
        await opening.catch((error: unknown) => (failures[side] = messageOf(error)));
      }
    });
    const startMs = performance.now();
    const budgetMs = Number(flags.seconds) * 2000;
    for (let turn = 0; turn < 4 || performance.now() - startMs < budgetMs; turn++) {
      // Who goes first changes, so that a busy neighbour hits both.
      for (const side of turn % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) {
        await step(side, turn > 0);
      }
      if (failures.every((failure) => failure !== null) || turn >= 40) break;
    }
    const peakBytes = await Promise.all(sides.map(peakOf));
    return { given, ms, losses, failures, peakBytes: [peakBytes[0] ?? 0, peakBytes[1] ?? 0] };
  } finally {
    end(pair);
  }
}

async function peakOf(side: SideWorker): Promise<number> {
  return side.ask({ do: 'memory' }).then(
    ({ peakBytes }) => peakBytes,
    () => 0,
  );
}

async function main(): Promise<void> {
  const machine = readMachine();
  const only = flags.only ?? [];
  const chosen = (flags.quick ? quickCases : cases).filter(
    ({ id }) => only.length === 0 || only.some((text) => id.includes(text)),
  );
  if (chosen.length === 0) throw new Error('no case has such a name: see --list');
  // Sides that agree in float32 compute the same; bf16 only rounds it.
  const first = await startPair('f32');
  const { backend, torchVersion, threads, note } = first;
  say(machineLine(machine));
  const setting = `${precision}${flags.tf32 ? ' (PyTorch tf32)' : ''}, ${threads} thread${threads === 1 ? '' : 's'} each, ${flags.clock} time`;
  say(`ours on ${backend}, PyTorch ${torchVersion}, ${setting}`);
  if (threads !== Number(flags.threads))
    say(`(${flags.threads} threads asked, ours has ${threads})`);
  if (note !== null) say(note);
  if (precision === 'bf16' && machine.features?.some((name) => name.endsWith('bf16')) !== true) {
    say('this processor has no bf16 of its own: PyTorch imitates it, slowly; ours rounds to it');
  }
  const agreement = await checkAgreement(first).finally(() => {
    end(first);
  });
  say(`\n${header}`);
  const rows: Row[] = [];
  for (const given of chosen) {
    const row = await measure(given);
    rows.push(row);
    say(rowLine(row));
  }
  say(summaryLine(rows));
  if (!isText) {
    const { clock } = flags;
    const facts = { machine, backend, torchVersion, precision, threads, clock, note, agreement };
    console.log(JSON.stringify({ ...facts, rows }));
  }
}

if (flags.help) console.log(help);
else if (flags.list) console.log(cases.map(({ id }) => id).join('\n'));
else {
  try {
    await main();
  } catch (error) {
    console.error(`bench: ${messageOf(error)}`);
    process.exitCode = 1;
  }
}
