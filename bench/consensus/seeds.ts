/**
 * 100 000 seeds of the simulation of consensus (test/consensus/simulation.ts): n = 4, 5, 7, 10 and 13 against every adversary. No
 * invariant may break. What is done is kept in a file, so that the run can be stopped and goes on where it was.
 *
 *   node --disable-warning=ExperimentalWarning bench/consensus/seeds.ts [--state FILE] [--share 1] [--from 1000000]
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { simulate, type SimulationOptions } from '../../test/consensus/simulation.ts';

const { values } = parseArgs({
  options: {
    state: { type: 'string', default: 'consensus-seeds.jsonl' },
    /** Of the 100 000. */
    share: { type: 'string', default: '1' },
    /** The first seed of each row. */
    from: { type: 'string', default: '1000000' },
  },
});

type World = Omit<SimulationOptions, 'seed' | 'members'>;
const worlds: readonly World[] = [
  { adversary: 'none' },
  { adversary: 'silent' },
  { adversary: 'twins' },
  { adversary: 'twins', blackout: true },
  { adversary: 'chaos' },
  { adversary: 'chaos', blackout: true },
  { adversary: 'rollback' },
  { adversary: 'plot' },
];
/** Seeds of each size, over all worlds: 100 000. */
const seedsOf = new Map([
  [4, 60_000],
  [5, 15_000],
  [7, 15_000],
  [10, 5_000],
  [13, 5_000],
]);
const pieceSeeds = 125;

/** What a piece of a row came to. */
interface Piece {
  readonly members: number;
  readonly world: World;
  readonly from: number;
  readonly seeds: number;
  readonly cpuMs: number;
  readonly deliveries: number;
  readonly restarts: number;
  readonly viewMax: number;
  readonly broken: readonly string[];
}

const done: Piece[] = existsSync(values.state)
  ? readFileSync(values.state, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Piece)
  : [];
const nameOf = ({ members, world, from }: Pick<Piece, 'members' | 'world' | 'from'>): string =>
  `${members} ${JSON.stringify(world)} ${from}`;
const known = new Set(done.map(nameOf));

function run(members: number, world: World, from: number, seeds: number): Piece {
  const before = process.cpuUsage();
  const sums = { deliveries: 0, restarts: 0, viewMax: 0 };
  const broken: string[] = [];
  for (let seed = from; seed < from + seeds; seed++) {
    const result = simulate({ ...world, members, seed });
    sums.deliveries += result.deliveries;
    sums.restarts += result.restarts;
    sums.viewMax = Math.max(sums.viewMax, result.viewMax);
    for (const violation of result.violations) broken.push(`seed ${seed}: ${violation}`);
  }
  const { user, system } = process.cpuUsage(before);
  return { members, world, from, seeds, cpuMs: (user + system) / 1000, ...sums, broken };
}

// A piece of every row, then the next of every row: stopped early, it has looked at all of them.
const first = Number(values.from);
for (let at = 0; ; at += pieceSeeds) {
  let isMore = false;
  for (const [members, total] of seedsOf) {
    const seeds = Math.ceil((Number(values.share) * total) / worlds.length);
    if (at >= seeds) continue;
    isMore = true;
    for (const world of worlds) {
      const from = first + at;
      if (known.has(nameOf({ members, world, from }))) continue;
      const piece = run(members, world, from, Math.min(pieceSeeds, seeds - at));
      done.push(piece);
      appendFileSync(values.state, `${JSON.stringify(piece)}\n`);
      for (const what of piece.broken)
        process.stdout.write(`BROKEN n = ${members}, ${JSON.stringify(world)}, ${what}\n`);
    }
  }
  if (!isMore) break;
}

const sum = (pieces: readonly Piece[], of: (piece: Piece) => number): number =>
  pieces.reduce((total, piece) => total + of(piece), 0);
const line = (name: string, pieces: readonly Piece[]): string =>
  `${name.padEnd(8)} ${sum(pieces, (one) => one.seeds)} seeds, ${sum(pieces, (one) => one.broken.length)} broken; ` +
  `${(sum(pieces, (one) => one.cpuMs) / 1000).toFixed(0)} s of one core, ${sum(pieces, (one) => one.deliveries)} messages, ` +
  `${sum(pieces, (one) => one.restarts)} restarts, highest view ${Math.max(...pieces.map((one) => one.viewMax))}`;
process.stdout.write(`${cpus()[0]?.model ?? ''}, Node ${process.version}\n`);
for (const members of seedsOf.keys()) {
  const pieces = done.filter((piece) => piece.members === members);
  process.stdout.write(`${line(`n = ${members}`, pieces)}\n`);
}
process.stdout.write(`${line('all', done)}\n`);
process.exitCode = done.some(({ broken }) => broken.length > 0) ? 1 : 0;
