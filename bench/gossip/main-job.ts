/**
 * The main job's errors with updates and states of a byte a number beside whole ones: `exact` f32, `sharded` int8 and `mixing` int8 on
 * a 4-regular graph, over some seeds. `npm run build && node bench/gossip/main-job.ts --out FOLDER [--seeds 1,2,3] [--only exact,sharded] [--table]`
 * Runs one after the other, with little claim to the processor, and leaves a record for each: started again it makes what is
 * missing. `--table` makes nothing and prints what is there.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { RunRecord } from '../../src/report/index.ts';

const kinds: Readonly<Record<string, readonly string[]>> = {
  'exact-none': ['training.averaging=exact'],
  'sharded-int8': ['training.averaging=sharded', 'training.compression=int8'],
  'mixing-int8': [
    ...[
      'training.averaging=mixing',
      'training.compression=int8',
      'training.mixing.topology=regular',
    ],
    ...['training.mixing.degree=4', 'training.mixing.redrawn=false'],
  ],
};
/** What the others are compared with. */
const baseKind = 'exact-none';

const { values } = parseArgs({
  options: {
    out: { type: 'string', default: 'runs/main-job' },
    seeds: { type: 'string', default: '1,2,3' },
    only: { type: 'string', default: '' },
    table: { type: 'boolean', default: false },
  },
});
const seeds = values.seeds.split(',').map(Number);

if (!values.table) {
  mkdirSync(values.out, { recursive: true });
  for (const seed of seeds) {
    for (const [kind, settings] of Object.entries(kinds)) {
      if (values.only === '' || values.only.split(',').some((part) => kind.startsWith(part))) {
        make(kind, settings, seed);
      }
    }
  }
}
print();

function folderOf(kind: string, seed: number): string {
  return join(values.out, `${kind}-${seed}`);
}

function make(kind: string, settings: readonly string[], seed: number): void {
  const folder = folderOf(kind, seed);
  if (existsSync(join(folder, 'record.json'))) return;
  rmSync(folder, { recursive: true, force: true });
  const set = settings.flatMap((one) => ['--set', one]);
  const program = ['bin/annulus.js', 'simulate', '--seed', String(seed), '--out', folder, ...set];
  console.log(`${kind}, seed ${seed}`);
  const { status } = spawnSync('nice', ['-n', '10', process.execPath, ...program], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0) throw new Error(`${kind}, seed ${seed}: simulate ended with ${String(status)}`);
}

function recordOf(kind: string, seed: number): RunRecord | null {
  const file = join(folderOf(kind, seed), 'record.json');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as RunRecord) : null;
}

/** Means of the student's errors over all held-out points and cases, by task; MB that left the busiest node. */
function figuresOf({ groups, nodes }: RunRecord): ReadonlyMap<string, number> {
  const figures = new Map<string, number>();
  for (const task of ['hps', 'ms', 'calc']) {
    const found = groups
      .filter((group) => group.model === 'student' && group.task === task)
      .flatMap((group) => group.values);
    const mean = found.reduce((sum, value) => sum + value, 0) / found.length;
    // Of Dice the error is what is missing to 1.
    figures.set(
      task === 'calc' ? '1 - Dice calc' : `${task}, mm`,
      task === 'calc' ? 1 - mean : mean,
    );
  }
  figures.set('MB up', Math.max(...nodes.map(({ sentBytes }) => sentBytes)) / 1e6);
  return figures;
}

function print(): void {
  const sums = new Map<string, Map<string, number[]>>();
  for (const seed of seeds) {
    const base = recordOf(baseKind, seed);
    for (const kind of Object.keys(kinds)) {
      const record = recordOf(kind, seed);
      if (record === null) continue;
      const cells = [...figuresOf(record)].map(([name, value]) => {
        const of = base === null ? NaN : value / (figuresOf(base).get(name) ?? NaN);
        const list = sums.get(kind) ?? new Map<string, number[]>();
        sums.set(kind, list.set(name, [...(list.get(name) ?? []), of]));
        return `${name} ${value.toFixed(3)} (${of.toFixed(3)})`;
      });
      console.log([`seed ${seed}`, kind.padEnd(13), ...cells].join('  '));
    }
  }
  console.log(`\nmeans over seeds, in parts of ${baseKind}`);
  for (const [kind, list] of sums) {
    const cells = [...list].map(([name, ratios]) => {
      const mean = ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length;
      return `${name} ${mean.toFixed(3)}`;
    });
    console.log([kind.padEnd(13), ...cells].join('  '));
  }
}
