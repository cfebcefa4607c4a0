/**
 * A log of many entries: how fast it is appended, proved and verified, and how much memory that takes. Eight members, rounds of
 * OPEN, CUT with eight signed updates of real size, and SEAL.
 *
 *   node bench/audit/large-log.ts [ENTRIES] [FOLDER]
 *
 * Prints one line for each figure. The folder is kept if one is given, and used as it is if a log lies there.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { inclusionPath } from '../../src/audit/log-entries.ts';
import { verifyInclusion } from '../../src/audit/merkle-proof.ts';
import { examineLog } from '../../src/audit/verify-log-directory.ts';
import { fromHex } from '../../src/base/index.ts';
import { logDirectoryAt } from '../../src/cli/audit/audited-folders.ts';
import { packageFile } from '../../src/host/index.ts';
import { MemoryStore } from '../../test/audit/memory-store.ts';
import { makeLargeLog } from './large-log-maker.ts';

const [, , countText = '100000', given] = process.argv;
const place = given ?? mkdtempSync(join(tmpdir(), 'annulus-large-log-'));
const log = join(place, 'L1', 'log');
const say = (what: string, figure: string): void => {
  process.stdout.write(`${what.padEnd(28)} ${figure}\n`);
};
const since = (startMs: number): number => (performance.now() - startMs) / 1000;

if (!existsSync(log)) {
  const startMs = performance.now();
  const store = new MemoryStore();
  const { entries, signMs } = await makeLargeLog(store, Number(countText));
  const seconds = since(startMs) - signMs / 1000;
  say(
    'appended, in memory',
    `${entries} entries in ${seconds.toFixed(1)} s, ${Math.round(entries / seconds)} a second`,
  );
  for (const [name, bytes] of store.files) {
    mkdirSync(dirname(join(place, 'L1', name)), { recursive: true });
    writeFileSync(join(place, 'L1', name), bytes);
  }
}

// As users run it: `npm run build` makes it.
const main = packageFile('dist/src/cli/main.js');
const startMs = performance.now();
const flags = [main, 'audit', 'verify', log];
const timed = spawnSync('/usr/bin/time', ['-f', '%U %M', process.execPath, ...flags], {
  encoding: 'utf8',
  maxBuffer: 2 ** 28,
});
const [cpu, peakKb] = (timed.stderr.trim().split('\n').at(-1) ?? '').split(' ').map(Number);
say(
  'audit verify',
  `exit ${String(timed.status)} in ${since(startMs).toFixed(1)} s, ${String(cpu)} s of processors, peak ${Math.round((peakKb ?? 0) / 1024)} MiB`,
);
process.stdout.write(timed.status === 0 ? '' : timed.stdout.slice(-2000));

const examined = await examineLog(logDirectoryAt(log));
const { treeSize, root } = examined.verdict;
const proofs = 10;
const proveMs = performance.now();
for (let i = 0; i < proofs; i++) {
  const index = Math.floor(((i + 0.5) / proofs) * treeSize);
  const path = inclusionPath(examined, index, treeSize);
  const claim = {
    index,
    size: treeSize,
    leafHash: examined.entries.hash(index) ?? new Uint8Array(),
  };
  const holds = verifyInclusion({
    ...claim,
    root: fromHex(root ?? '') ?? new Uint8Array(),
    proof: path?.hashes ?? [],
  });
  if (!holds) throw new Error(`the proof of entry ${index} does not hold`);
}
say('prove, tree made anew', `${((since(proveMs) / proofs) * 1000).toFixed(0)} ms each`);
if (given === undefined) rmSync(place, { recursive: true });
