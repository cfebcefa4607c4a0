import { expect } from 'chai';
import type { Digest } from '../../src/base/index.ts';
import { EnvelopeFinder } from '../../src/audit/envelope-finder.ts';

describe('where an envelope stands in the log', () => {
  it('is looked for again after the disk failed once', async () => {
    let failures = 1;
    const finder = new EnvelopeFinder({
      store: {
        read: () => (failures-- > 0 ? Promise.reject(new Error('busy')) : Promise.resolve(null)),
      },
      lastHeight: () => 1,
      decision: () => Promise.resolve(null),
      entries: () => Promise.resolve([]),
    });
    const digest = 'a'.repeat(64) as Digest;
    expect(await finder.find(digest).catch(() => 'failed')).equal('failed');
    expect(await finder.find(digest)).equal(null);
  });
});
