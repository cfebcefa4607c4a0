import { expect } from 'chai';
import { utf8 } from '../../src/base/index.ts';
import { hashLeaf } from '../../src/audit/merkle-tree.ts';
import { LeafHashes } from '../../src/audit/leaf-hashes.ts';
import { SoundEntries } from '../../src/audit/sound-entries.ts';
import { encodeBundle, tilePath } from '../../src/audit/tiles.ts';
import { examineLog } from '../../src/audit/verify-log-directory.ts';
import { directoryOf, makeSampleLog } from './sample-log.ts';

const texts = Array.from({ length: 300 }, (_, index) => utf8(`entry ${index}`));
function hashesOf(entries: readonly (Uint8Array | null)[]): LeafHashes {
  const hashes = new LeafHashes();
  for (const entry of entries) hashes.push(entry === null ? null : hashLeaf(entry));
  return hashes;
}

const first = tilePath({ level: 'entries', index: 0, width: 256 });
const second = tilePath({ level: 'entries', index: 1, width: 44 });

describe('the entries of a verified log', () => {
  const files = (): Map<string, Uint8Array> =>
    new Map([
      [first, encodeBundle(texts.slice(0, 256))],
      [second, encodeBundle(texts.slice(256))],
    ]);
  const read = (from: Map<string, Uint8Array>) => (name: string) =>
    Promise.resolve(from.get(name) ?? null);

  it('are read again from their bundles, in any order', async () => {
    const entries = new SoundEntries(read(files()), hashesOf(texts));
    expect(entries.size).equal(300);
    for (const index of [0, 255, 256, 299, 1]) {
      expect(await entries.at(index), `entry ${index}`).deep.equal(texts[index]);
    }
    const together = await Promise.all(texts.map((_, index) => entries.at(index)));
    expect(together).deep.equal(texts);
  });

  it('are null where they were not sound, and behind the end', async () => {
    const hashes = hashesOf(texts);
    hashes.drop(7);
    const entries = new SoundEntries(read(files()), hashes);
    expect(await entries.at(7)).equal(null);
    expect(await entries.at(300)).equal(null);
    expect(await entries.at(8)).deep.equal(texts[8]);
  });

  it('are null when a file was changed, cut or removed after the log was verified', async () => {
    const changed = files();
    const entries = new SoundEntries(read(changed), hashesOf(texts));
    const bytes = changed.get(second) ?? new Uint8Array();
    changed.set(
      second,
      bytes.map((byte, at) => (at === 2 ? byte ^ 1 : byte)),
    );
    expect(await entries.at(256)).equal(null);
    expect(await entries.at(257)).deep.equal(texts[257]);
    changed.set(first, (changed.get(first) ?? bytes).subarray(0, 20));
    expect(await entries.at(200)).equal(null);
    changed.delete(second);
    expect(await entries.at(257)).equal(null);
  });

  it('are told wrong in their order, however long each file takes', async () => {
    const { files: log } = await makeSampleLog({
      rounds: ['sealed', 'sealed', 'sealed', 'sealed'],
      warpStatement: (statement) => ({ ...statement, weight: statement.weight + 1 }),
    });
    const directory = directoryOf(log);
    const { verdict } = await examineLog(directory);
    // A round is the block of OPEN, four updates, and the blocks of CUT and SEAL: seven entries.
    const places = [0, 7, 14, 21].flatMap((open) => [1, 2, 3, 4].map((at) => open + at));
    const where = verdict.findings.map((one) => Number(/^entry (\d+)/.exec(one.where)?.[1]));
    expect(where).deep.equal(places);
    let turn = 0;
    const slow = await examineLog({
      ...directory,
      read: async (name) => {
        turn += 1;
        for (let wait = (turn * 7) % 5; wait > 0; wait--) await new Promise(setImmediate);
        return directory.read(name);
      },
    });
    expect(slow.verdict).deep.equal(verdict);
  });
});
