/** A history that some members made up, beside the true one. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { makeSampleLog, type SampleOptions } from '../audit/sample-log.ts';
import { runTyped } from './typed.ts';

describe('annulus audit diff, of a fork', () => {
  const top = mkdtempSync(join(tmpdir(), 'annulus-fork-'));

  after(() => {
    rmSync(top, { recursive: true });
  });

  const written = async (name: string, options: SampleOptions): Promise<string> => {
    const folder = join(top, name);
    for (const [file, bytes] of (await makeSampleLog(options)).files) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), bytes);
    }
    return folder;
  };

  it('of f members is exposed: their blocks have no quorum, and both folders are named', async () => {
    const honest = await written('honest', { rounds: ['sealed', 'sealed'] });
    // n = 4, f = 1: from height 4 on one member alone voted.
    const votes = (height: number): number => (height > 3 ? 1 : 3);
    const forked = await written('forked', { rounds: ['sealed', 'void'], votes });
    const { code, out, err } = await runTyped(['audit', 'diff', honest, forked]);
    expect(code).equal(1);
    expect(err).contain('forked').and.contain('expected valid votes of 3 members, got 1');
    expect(out).not.contain('the same');
  });

  it('of a quorum names where they part and who signed both', async () => {
    const honest = await written('one', { rounds: ['sealed', 'sealed'] });
    const forked = await written('another', { rounds: ['sealed', 'void'] });
    const { code, out } = await runTyped(['audit', 'diff', honest, forked]);
    expect(code).equal(1);
    expect(out).contain('TWO HISTORIES from height 5 on:');
    expect(out).contain('voted for both         L1 L2 L3');
    expect(out).contain('cosigned both          L1 L2 L3 L4');
  });
});
