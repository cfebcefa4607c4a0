/**
 * The whole of `annulus data import` of a series of 300 slices of 512 x 512, and the same again, beside pydicom's plain read in the
 * same run, each as a process of its own. Needs `npm run build`.
 *
 *     node bench/data/import.ts [FOLDER [RUNS]]    a folder with the series; a temporary one where absent
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageFile } from '../../src/host/index.ts';
import { projectRoot } from '../../test/project-root.ts';

const python = '/usr/bin/python3';
const script = join(projectRoot, 'bench', 'data', 'dicom-read.py');
const sample = join(projectRoot, '..', 'shared', 'data', 'dicom_ct', 'series');
const runs = Number(process.argv[3] ?? 3);

interface Used {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly bytes: number;
}

function used(...command: string[]): Used {
  const args = ['-W', 'ignore', script, 'run', ...command];
  const [seconds = 0, cpuSeconds = 0, bytes = 0] = execFileSync(python, args, { encoding: 'utf8' }).split(' ').map(Number); // prettier-ignore
  return { seconds, cpuSeconds, bytes };
}

function tell(name: string, all: readonly Used[]): Used {
  const best: Used = {
    seconds: Math.min(...all.map(({ seconds }) => seconds)),
    cpuSeconds: Math.min(...all.map(({ cpuSeconds }) => cpuSeconds)),
    bytes: Math.max(...all.map(({ bytes }) => bytes)),
  };
  const mib = Math.round(best.bytes / 2 ** 20);
  console.log(`${name.padEnd(14)}${best.seconds.toFixed(2)} s, ${best.cpuSeconds.toFixed(2)} s of processors, peak ${mib} MiB`); // prettier-ignore
  return best;
}

const work = mkdtempSync(join(tmpdir(), 'annulus-import-bench-'));
const series = process.argv[2] ?? join(work, 'series');
if (!existsSync(series)) execFileSync(python, ['-W', 'ignore', script, 'write', sample, series]);
const [ours, again, theirs]: Used[][] = [[], [], []];
for (let run = 0; run < runs; run++) {
  const store = join(work, `store-${run}`);
  mkdirSync(store);
  const annulus = [process.execPath, packageFile('bin/annulus.js'), 'data', 'import', series, '--into', store]; // prettier-ignore
  ours?.push(used(...annulus));
  again?.push(used(...annulus));
  theirs?.push(used(python, '-W', 'ignore', script, 'read', series));
  rmSync(store, { recursive: true });
}
console.log(`machine       ${cpus().length} x ${cpus()[0]?.model ?? ''}, node ${process.version}`);
const mine = tell('data import', ours ?? []);
tell('once more', again ?? []);
const other = tell('pydicom reads', theirs ?? []);
const ratio = (of: (one: Used) => number): string => (of(mine) / of(other)).toFixed(2);
console.log(`ratio         ${ratio((one) => one.seconds)}, of processors ${ratio((one) => one.cpuSeconds)} (goal: at most 3)`); // prettier-ignore
rmSync(work, { recursive: true });
