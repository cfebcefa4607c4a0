/**
 * Reads a series of 300 slices of 512 x 512, beside pydicom's plain read in the same run:
 *
 *     node bench/data/dicom-read.ts [FOLDER]    a folder for the series; a temporary one where absent
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { readDicomSeries } from '../../src/data/index.ts';
import { openFileSet } from '../../src/host/index.ts';
import { projectRoot } from '../../test/project-root.ts';

const script = join(projectRoot, 'bench', 'data', 'dicom-read.py');
const sample = join(projectRoot, '..', 'shared', 'data', 'dicom_ct', 'series');
const runs = 3;

const given = process.argv[2];
const folder = given ?? mkdtempSync(join(tmpdir(), 'annulus-dicom-bench-'));
if (given === undefined || !existsSync(given)) python('write', sample, folder);
const ours: number[] = [];
const theirs: number[] = [];
let [sum, theirSum, theirBytes] = [0, 0, 0];
for (let run = 0; run < runs; run++) {
  const start = performance.now();
  const set = await openFileSet(folder);
  const { series } = await readDicomSeries(set.files);
  const [one] = series;
  if (one === undefined) throw new Error('expected the series, got none');
  const { volume } = await one.readCt();
  ours.push((performance.now() - start) / 1000);
  sum = volume.data.reduce((total, value) => total + value, 0);
  const [seconds = 0, bytes = 0, total = 0] = python('read', folder).split(' ').map(Number);
  theirs.push(seconds);
  [theirSum, theirBytes] = [total, bytes];
}
const [best, theirBest] = [Math.min(...ours), Math.min(...theirs)];
const mib = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`;
console.log(`machine   ${cpus().length} x ${cpus()[0]?.model ?? ''}, node ${process.version}`);
console.log(`series    300 slices of 512 x 512, sums ${sum} and ${theirSum}`);
console.log(`annulus   ${best.toFixed(2)} s, peak ${mib(process.resourceUsage().maxRSS * 1024)}`);
console.log(`pydicom   ${theirBest.toFixed(2)} s, peak ${mib(theirBytes)}`);
console.log(`ratio     ${(best / theirBest).toFixed(2)} (goal: at most 3)`);
if (given === undefined) rmSync(folder, { recursive: true });

function python(...args: string[]): string {
  return execFileSync('/usr/bin/python3', ['-W', 'ignore', script, ...args], { encoding: 'utf8' });
}
