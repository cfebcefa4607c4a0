/** The format's words come from c2sp.org/tlog-proof; the logs are of a whole consortium with real keys. */
import { expect } from 'chai';
import { fromUtf8, utf8 } from '../../src/base/index.ts';
import { AuditError } from '../../src/audit/errors.ts';
import { inclusionPath } from '../../src/audit/log-entries.ts';
import { checkpointName, policyName } from '../../src/audit/log-files.ts';
import { parsePolicy } from '../../src/audit/policy.ts';
import { formatProof, parseProof, verifyProof } from '../../src/audit/tlog-proof.ts';
import { examineLog } from '../../src/audit/verify-log-directory.ts';
import { directoryOf, makeSampleLog, type SampleLog } from './sample-log.ts';

describe('a proof that an entry is in the log', () => {
  let sample: SampleLog;

  before(async () => {
    sample = await makeSampleLog();
  });

  const proofOf = async (index: number): Promise<{ entry: Uint8Array; proof: Uint8Array }> => {
    const log = await examineLog(directoryOf(sample.files));
    const entry = await log.entries.at(index);
    const path = inclusionPath(log, index, log.verdict.treeSize);
    const checkpoint = sample.files.get(checkpointName);
    if (entry == null || path === null || checkpoint === undefined) throw new Error('a sound log');
    expect(path.root).equal(log.verdict.root);
    return { entry, proof: formatProof({ index, hashes: path.hashes, checkpoint }) };
  };
  const policy = () => parsePolicy(sample.files.get(policyName) ?? utf8(''));

  it('holds for every entry that the cosigned head covers, with the policy alone', async () => {
    const { treeSize, root } = (await examineLog(directoryOf(sample.files))).verdict;
    for (let index = 0; index < treeSize; index++) {
      const { entry, proof } = await proofOf(index);
      const shown = verifyProof(parseProof(proof), entry, policy());
      expect(shown).include({ index, size: treeSize, root });
    }
  });

  it('is the text that the format says', async () => {
    const lines = fromUtf8((await proofOf(2)).proof).split('\n');
    expect(lines.slice(0, 2)).deep.equal(['c2sp.org/tlog-proof@v1', 'index 2']);
    const end = lines.indexOf('');
    for (const line of lines.slice(2, end)) expect(line).match(/^[A-Za-z0-9+/]{43}=$/);
    expect(lines.slice(end + 1).join('\n')).equal(
      fromUtf8(sample.files.get(checkpointName) ?? utf8('')),
    );
  });

  it('may hold an extra line, which shows nothing', async () => {
    const { entry, proof } = await proofOf(0);
    const text = fromUtf8(proof).replace('\n', '\nextra QUFB\n');
    expect(verifyProof(parseProof(utf8(text)), entry, policy())).include({ index: 0 });
  });

  it('shows nothing when a bit of the entry or of the proof is another', async () => {
    const { entry, proof } = await proofOf(5);
    const holds = (changedEntry: Uint8Array, changedProof: Uint8Array): boolean => {
      try {
        return typeof verifyProof(parseProof(changedProof), changedEntry, policy()) !== 'string';
      } catch (error) {
        if (error instanceof AuditError) return false;
        throw error;
      }
    };
    expect(holds(entry, proof)).equal(true);
    const flipped = (bytes: Uint8Array, bit: number): Uint8Array => {
      const copy = bytes.slice();
      copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      return copy;
    };
    for (let bit = 0; bit < entry.byteLength * 8; bit += 7) {
      expect(holds(flipped(entry, bit), proof), `bit ${bit} of the entry`).equal(false);
    }
    // Of the cosignatures one more than the quorum may fall away: flips up to the end of the log's own line.
    const text = fromUtf8(proof);
    const signed = utf8(text.slice(0, text.indexOf('/witness'))).byteLength;
    for (let bit = 0; bit < (signed - 8) * 8; bit++) {
      expect(holds(entry, flipped(proof, bit)), `bit ${bit} of the proof`).equal(false);
    }
  });

  it('is refused with another policy, and with too few cosignatures', async () => {
    const { entry, proof } = await proofOf(1);
    const other = await makeSampleLog({ memberCount: 5 });
    const foreign = parsePolicy(other.files.get(policyName) ?? utf8(''));
    expect(verifyProof(parseProof(proof), entry, foreign)).match(/names no log/);
    const text = fromUtf8(proof);
    const lines = text.split('\n').filter((line) => !/L[123]\/witness/.test(line));
    expect(verifyProof(parseProof(utf8(lines.join('\n'))), entry, policy())).match(
      /expected cosignatures of 3 witnesses, got 1/,
    );
  });

  for (const [name, text] of [
    ['another header', 'c2sp.org/tlog-proof@v2\nindex 0\n\nx'],
    ['no index', 'c2sp.org/tlog-proof@v1\n\nx'],
    ['an index with a sign', 'c2sp.org/tlog-proof@v1\nindex -1\n\nx'],
    ['an index with a zero in front', 'c2sp.org/tlog-proof@v1\nindex 01\n\nx'],
    ['a hash of 3 bytes', 'c2sp.org/tlog-proof@v1\nindex 0\nAAAA\n\nx'],
    ['no empty line', 'c2sp.org/tlog-proof@v1\nindex 0'],
    ['65 hashes', `c2sp.org/tlog-proof@v1\nindex 0\n${`${'A'.repeat(43)}=\n`.repeat(65)}\nx`],
  ] as const) {
    it(`is refused with ${name}`, () => {
      expect(() => parseProof(utf8(text))).throw(AuditError, /proof: expected/);
    });
  }
});

describe('a policy file', () => {
  it('is refused without a quorum, with a group of some, with a quorum of none, and with words behind its end', async () => {
    const { files } = await makeSampleLog();
    const text = fromUtf8(files.get(policyName) ?? utf8(''));
    expect(parsePolicy(utf8(text))).deep.include({ quorum: 3 });
    for (const bad of [
      text.replace('quorum members\n', ''),
      text.replace(/group members 3 L1\/witness /, 'group members 3 '),
      text.replace('group members 3', 'group members 0'),
      text.replace('group members 3', 'group members 5'),
      `${text}witness x y\n`,
      text.replace(/^log .*\n/gm, ''),
    ]) {
      expect(() => parsePolicy(utf8(bad))).throw(AuditError, /policy: expected/);
    }
  });
});
