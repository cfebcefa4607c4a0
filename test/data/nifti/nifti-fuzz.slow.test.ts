/** The fuzz of NIfTI files in its full length, in processes of their own so that their memory can be told. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import type { Outcome } from './nifti-fuzz.ts';

// Beside this file, built or not.
const program = fileURLToPath(import.meta.url.replace('.slow.test.', '.'));

function run(...args: readonly string[]): Outcome {
  const out = execFileSync(process.execPath, [...process.execArgv, program, ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const { outcome, maxBytes } = JSON.parse(out) as { outcome: Outcome; maxBytes: number };
  expect(maxBytes, args.join(' ')).lessThan(2 ** 30);
  return outcome;
}

/** How many headers are changed; more where somebody has the time. */
const headerCount = Number(process.env.ANNULUS_FUZZ_HEADERS ?? 100_000);

describe('less than 1 GiB of memory', () => {
  for (const [what, count] of [
    ['headers', headerCount],
    ['gzip', 10_000],
  ] as const) {
    it(`is enough to read or refuse ${count} files with changed ${what}`, () => {
      const { read, refused } = run(what, String(count));
      expect(read + refused).equal(count);
      expect(Math.min(read, refused)).greaterThan(100);
    });
  }

  for (const bits of ['16', '32']) {
    it(`is enough to read 2^27 voxels of ${bits} bits`, () => {
      expect(run('volume', bits)).deep.equal({ read: 1, refused: 0 });
    });
  }
});
