/** What a checkpoint of somebody else costs: which of its lines are verified, and when none is. */
import { expect } from 'chai';
import { utf8 } from '../../src/base/index.ts';
import { cosignCheckpoint } from '../../src/audit/checkpoint.ts';
import { openConsortiumLog, type ConsortiumLog } from '../../src/audit/consortium-log.ts';
import { formatNote, parseNote, type NoteSignature } from '../../src/audit/signed-note.ts';
import { digestOf, generateEd25519, verifyRaw } from '../../src/crypto/index.ts';
import { bodyOf, certify, makeConsortium, open } from './consortium.ts';
import { MemoryStore } from './memory-store.ts';

const consortium = makeConsortium(4);

describe('a checkpoint from somebody else', () => {
  let log: ConsortiumLog;
  let others: ConsortiumLog[];
  let verified: number;

  beforeEach(async () => {
    const openLog = async (self: number): Promise<ConsortiumLog> => {
      const { id, keys } = consortium.members[self]!;
      return openConsortiumLog(new MemoryStore(), {
        consortium: consortium.signed,
        self: id,
        logSigner: keys.log,
        witnessSigner: keys.witness,
        clock: { nowMs: () => 5_000_000 },
        verify: (...what) => {
          verified += 1;
          return verifyRaw(...what);
        },
      });
    };
    log = await openLog(0);
    others = [await openLog(1), await openLog(2), await openLog(3)];
    for (const one of [log, ...others]) await grow(one);
    verified = 0;
  });

  /** The same block on every log. */
  async function grow(one: ConsortiumLog): Promise<void> {
    const { height, body: prev } = one.head;
    const op = open(consortium, height + 1, digestOf(utf8('base')));
    const partial = bodyOf(consortium, height + 1, prev, [op]);
    const body = { ...partial, log: one.logAfter(partial, []) };
    await one.appendHeight({ body, certificate: certify(consortium, body) }, []);
  }

  /** L2's checkpoint with other lines. */
  const withLines = (change: (lines: readonly NoteSignature[]) => NoteSignature[]): Uint8Array => {
    const { text, signatures } = parseNote(others[0]!.checkpoint()!);
    return formatNote({ text, signatures: change(signatures) });
  };
  const cosignature = (index: number, seconds: number): NoteSignature => {
    const { id, keys } = consortium.members[index]!;
    const { text } = parseNote(others[0]!.checkpoint()!);
    return cosignCheckpoint(text, `${id}/witness`, keys.witness, seconds);
  };
  const refused = (note: Uint8Array): unknown => {
    try {
      return log.checkCosignatures(note);
    } catch (error) {
      return (error as { code?: unknown }).code;
    }
  };

  it('is refused before anything is verified: repeated, too many or too long lines', () => {
    const cases: [string, Uint8Array][] = [
      ['540 times one line', withLines((lines) => Array<NoteSignature>(540).fill(lines[1]!))],
      ['one line twice', withLines((lines) => [...lines, lines[1]!])],
      ['two of one key', withLines(() => [cosignature(1, 7), cosignature(1, 8)])],
      // Four members and the log itself make five lines.
      ['six lines', withLines(() => [6, 7, 8, 9, 10, 11].map(strangersLine))],
      ['60 KiB in one line', withLines(() => [{ ...strangersLine(1), name: 'n'.repeat(60_000) }])],
    ];
    for (const [name, note] of cases) expect(refused(note), name).equal('malformed');
    expect(verified).equal(0);
  });

  it('costs nothing when its text is known, its lines are held or its head is an old one', async () => {
    const note = others[0]!.checkpoint()!;
    expect(await log.addCosignatures(note)).equal('added');
    expect(verified).equal(1); // L2's; ours is held, and the log's own line seals nothing
    expect(log.checkCosignatures(note)).equal('known');
    // Another valid line of L2 for the same head, and a false one: neither is looked at.
    expect(log.checkCosignatures(withLines(() => [cosignature(1, 9)]))).equal('known');
    const falseLine = { ...cosignature(1, 9), signature: new Uint8Array(72) };
    expect(log.checkCosignatures(withLines(() => [falseLine]))).equal('known');
    await grow(log);
    verified = 0;
    expect(log.checkCosignatures(others[1]!.checkpoint()!)).equal('behind');
    expect(verified).equal(0);
  });

  it('has lines of unknown keys passed over, and the first false one ends it', () => {
    const note = withLines((lines) => [strangersLine(1), ...lines, strangersLine(2)]);
    expect(log.checkCosignatures(note)).property('kind', 'here');
    expect(verified).equal(1);
    verified = 0;
    const false2 = { ...cosignature(1, 9), signature: new Uint8Array(72) };
    expect(refused(withLines(() => [false2, cosignature(2, 9), cosignature(3, 9)]))).equal(
      'malformed',
    );
    expect(verified).equal(1);
  });

  it('counts though the tree grew between its check and its merge', async () => {
    for (const other of others) await grow(other);
    const ahead = others.slice(0, 2).map((other) => log.checkCosignatures(other.checkpoint()!));
    await grow(log);
    for (const note of ahead) {
      if (typeof note === 'string') throw new Error(note);
      expect(note.kind).equal('ahead');
      await log.addCosignatures(note);
    }
    expect(log.cosignedSize).equal(2);
  });
});

function strangersLine(seconds: number): NoteSignature {
  const stranger = generateEd25519(new Uint8Array(32).fill(99));
  return cosignCheckpoint('text\n', `stranger-${seconds}`, stranger, seconds);
}
