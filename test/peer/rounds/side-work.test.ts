import { expect } from 'chai';
import { utf8 } from '../../../src/base/index.ts';
import { digestOf } from '../../../src/crypto/index.ts';
import { SideWork } from '../../../src/peer/rounds/side-work.ts';

describe('work beside the queue', () => {
  const blob = digestOf(utf8('blob'));
  const other = digestOf(utf8('other'));

  /** What the log says when these reasons come one after the other. */
  async function logged(
    ...failures: readonly (readonly [typeof blob, string])[]
  ): Promise<string[]> {
    const lines: string[] = [];
    const log = (_level: string, message: string, facts: { reason?: unknown } = {}): void => {
      lines.push(`${message}: ${String(facts.reason)}`);
    };
    const work = new SideWork(1, { log });
    for (const [digest, reason] of failures) {
      work.once(digest, 'not here', () => Promise.reject(new Error(reason)));
      await new Promise((resolve) => setImmediate(resolve));
    }
    return lines;
  }

  it('says once why a blob is not here, however often it is asked for', async () => {
    const [cut, gone] = [[blob, 'cut off'] as const, [blob, 'not found'] as const];
    expect(await logged(cut, cut, cut, gone, gone, [other, 'cut off'])).deep.equal([
      ...['not here: cut off', 'not here: not found', 'not here: cut off'],
    ]);
  });
});
