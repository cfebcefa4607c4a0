/**
 * Breaks the rules of consensus one by one (test/consensus/mutants.ts) and says which world of the simulation notices first, after how
 * many seeds, by which invariant. What the model checker finds says check.sh.
 *
 *   node --disable-warning=ExperimentalWarning bench/consensus/mutants.ts [--seeds 1000] [--only NAME]
 */
import { parseArgs } from 'node:util';
import { mutants, worldMutants } from '../../test/consensus/mutants.ts';
import { firstCaught } from '../../test/consensus/simulation-runs.ts';
import type { SimulationOptions } from '../../test/consensus/simulation.ts';

const { values } = parseArgs({
  options: { seeds: { type: 'string', default: '1000' }, only: { type: 'string' } },
});

type Broken = Omit<SimulationOptions, 'seed'>;
const worlds: readonly Broken[] = [
  { adversary: 'chaos' },
  { adversary: 'chaos', blackout: true },
  { adversary: 'twins' },
  { adversary: 'plot' },
];
const all: readonly (readonly [string, Broken])[] = [
  ...Object.entries(mutants).map(([name, makeRules]) => [name, { makeRules }] as const),
  ...Object.entries(worldMutants),
];
process.stdout.write(
  `| what is broken | ${worlds.map((world) => JSON.stringify(world)).join(' | ')} |\n`,
);
for (const [name, broken] of all) {
  if (values.only !== undefined && values.only !== name) continue;
  const cells = worlds.map((world) => {
    const caught = firstCaught({ ...world, ...broken }, Number(values.seeds));
    return caught === null ? '–' : `${caught.seed}, ${caught.invariant}`;
  });
  process.stdout.write(`| ${name} | ${cells.join(' | ')} |\n`);
}
