import { expect } from 'chai';
import { seededRandom, utf8, type Digest } from '../../src/base/index.ts';
import { formatCheckpoint, signCheckpoint } from '../../src/audit/checkpoint.ts';
import { logOrigin } from '../../src/audit/policy.ts';
import { formatNote } from '../../src/audit/signed-note.ts';
import { renderVerdict, type LogVerdict } from '../../src/audit/verdict.ts';
import { verifyLogDirectory } from '../../src/audit/verify-log-directory.ts';
import { digestOf } from '../../src/crypto/index.ts';
import type { Op } from '../../src/wire/index.ts';
import { directoryOf, makeSampleLog, type LogFiles, type SampleOptions } from './sample-log.ts';

async function verify(files: LogFiles): Promise<LogVerdict> {
  return verifyLogDirectory(directoryOf(files));
}

function textOf(verdict: LogVerdict): string {
  return verdict.findings.map(({ where, what }) => `${where}: ${what}`).join('\n');
}

function changed(
  files: LogFiles,
  name: string,
  change: (bytes: Uint8Array) => Uint8Array,
): LogFiles {
  const bytes = files.get(name);
  expect(bytes, name).not.equals(undefined);
  return new Map(files).set(name, change(bytes!.slice()));
}

function flipAt(at: number, bit = 1): (bytes: Uint8Array) => Uint8Array {
  return (bytes) => bytes.map((byte, i) => (i === at ? byte ^ bit : byte));
}

/** Changes the first operation of kind `kind` in a decided body. */
function warpOp<K extends Op['op']>(
  kind: K,
  change: (op: Extract<Op, { op: K }>) => Op,
): SampleOptions {
  return {
    warp: (body) => ({
      ...body,
      ops: body.ops.map((op) => (op.op === kind ? change(op as Extract<Op, { op: K }>) : op)),
    }),
  };
}

describe('verifyLogDirectory', () => {
  it('accepts a log and tells its rounds', async () => {
    const { files, bodies, consortium } = await makeSampleLog();
    const verdict = await verify(files);
    expect(textOf(verdict)).equals('');
    expect(verdict.ok).equals(true);
    expect(verdict.consortium?.cid).equals(consortium.signed.cid);
    expect(verdict.keptBy).equals('L1');
    expect(verdict.cosignedBy).deep.equals(['L1', 'L2', 'L3', 'L4']);
    // 11 blocks (three of 3 heights, one of 2) and 4 + 3 + 4 updates.
    expect([verdict.heights, verdict.treeSize]).deep.equals([11, 22]);
    expect(verdict.root).equals(bodies.at(-1)!.log.root);
    expect(verdict.rounds).has.length(4);
    expect(verdict.rounds[1]).deep.includes({
      round: 2,
      stage: 'student',
      base: digestOf(utf8('model 1')),
      participants: [
        { node: 'L1', weight: 10 },
        { node: 'L2', weight: 11 },
        { node: 'L3', weight: 12 },
      ],
      excluded: ['L4'],
      outcome: 'sealed',
      modelDigest: digestOf(utf8('model 2')),
    });
    expect(verdict.rounds[2]).deep.includes({ outcome: 'void', voidReason: 'too_few_updates' });
    const text = renderVerdict(verdict);
    expect(text)
      .contains('L1:10 L2:11 L3:12')
      .contains(digestOf(utf8('model 4')));
    expect(text.split('\n').at(-1)).matches(/^VERIFIED/);
  });

  it('passes over a stage of the plan without rounds, as members do', async () => {
    const { files } = await makeSampleLog({ hasIdleStage: true });
    const verdict = await verify(files);
    expect(textOf(verdict)).equals('');
    expect(verdict.rounds.map(({ stage }) => stage)).deep.equals(Array(4).fill('student'));
  });

  it('accepts a log across full tiles, and one with heights that wait for cosignatures', async () => {
    const many = Array.from({ length: 40 }, () => 'sealed' as const);
    const large = await makeSampleLog({ rounds: many });
    const verdict = await verify(large.files);
    // The plan has four rounds only; nothing else is wrong.
    expect(verdict.treeSize).equals(40 * 7);
    expect(verdict.findings.filter(({ what }) => !what.includes('plan'))).deep.equals([]);

    const waiting = await makeSampleLog({ rounds: ['sealed', 'sealed'], isUncosigned: true });
    expect(waiting.files.has('checkpoint.next')).equals(true);
    const accepted = await verify(waiting.files);
    expect(textOf(accepted)).equals('');
    expect(accepted.notes).deep.equals([
      '7 entries after the cosigned checkpoint wait for cosignatures',
    ]);
    expect(accepted.treeSize).equals(14);
  });

  it('names the entry whose byte was flipped', async () => {
    const { files } = await makeSampleLog({ rounds: ['sealed', 'absent'] });
    const name = 'tile/entries/000.p/13';
    const bytes = files.get(name)!;
    let at = 0;
    for (let index = 0; index < 13; index++) {
      const length = (bytes[at]! << 8) | bytes[at + 1]!;
      const verdict = await verify(changed(files, name, flipAt(at + 2 + Math.floor(length / 2))));
      expect(verdict.ok).equals(false);
      expect(textOf(verdict), `entry ${index}`).matches(
        new RegExp(`^entry ${index} \\((update of L\\d, round \\d|block \\d+)\\): .*changed`),
      );
      at += 2 + length;
    }
  });

  it('finds any flipped bit in any file, and names the file or an entry', async () => {
    const { files } = await makeSampleLog({ rounds: ['sealed'], isUncosigned: true });
    const random = seededRandom('flip');
    for (const [name, bytes] of files) {
      const sample = Array.from({ length: 8 }, () => random.integer(bytes.byteLength));
      for (const at of new Set([0, bytes.byteLength - 1, ...sample])) {
        const bit = 1 << random.integer(8);
        const verdict = await verify(changed(files, name, flipAt(at, bit)));
        const label = `${name} byte ${at} bit ${bit}`;
        expect(verdict.ok, label).equals(false);
        const isNamed = verdict.findings.some(
          ({ where, what }) =>
            where.startsWith(name) || where.startsWith('entry ') || what.includes(name),
        );
        expect(isNamed, `${label}: ${textOf(verdict)}`).equals(true);
      }
    }
  });

  it('finds missing, cut, extended and foreign files', async () => {
    const { files } = await makeSampleLog({ rounds: ['sealed'], isUncosigned: true });
    for (const name of files.keys()) {
      const without = new Map(files);
      without.delete(name);
      // Without the head that waits, the log is one whose writer stopped in between: the rest still holds.
      if (name !== 'checkpoint.next') {
        expect(textOf(await verify(without)), name).contains(name.split('.')[0]);
      }
      const cut = await verify(changed(files, name, (bytes) => bytes.slice(0, -1)));
      expect(cut.ok, `${name} cut`).equals(false);
      const longer = await verify(
        changed(files, name, (bytes) => Buffer.concat([bytes, utf8('x')])),
      );
      expect(longer.ok, `${name} extended`).equals(false);
      const empty = await verify(changed(files, name, () => new Uint8Array()));
      expect(empty.ok, `${name} empty`).equals(false);
    }
    const stranger = await verify(new Map(files).set('tile/0/001', utf8('?')));
    expect(textOf(stranger)).equals('tile/0/001: a file that does not belong to this log');
    expect((await verify(new Map())).ok).equals(false);
  });

  it('finds a tail cut off together with its decisions', async () => {
    const { files } = await makeSampleLog({ rounds: ['sealed'] });
    const older = await makeSampleLog({ rounds: [] });
    expect((await verify(older.files)).ok).equals(false); // nothing cosigned yet
    const without = new Map(files);
    without.delete('decisions/3.json');
    expect(textOf(await verify(without))).not.equals('');
  });

  it('finds a seal below the quorum and lines of strangers', async () => {
    const { files } = await makeSampleLog({ rounds: ['sealed'] });
    const note = new TextDecoder().decode(files.get('checkpoint'));
    const lines = note.split('\n');
    // Origin, size, root, empty, log line, then four cosignatures: three are a quorum of four.
    const three = [...lines.slice(0, 8), ''].join('\n');
    const two = [...lines.slice(0, 7), ''].join('\n');
    expect((await verify(new Map(files).set('checkpoint', utf8(three)))).ok).equals(true);
    expect(textOf(await verify(new Map(files).set('checkpoint', utf8(two))))).equals(
      'checkpoint: expected valid cosignatures of 3 members, got 2',
    );
    const twice = `${note}${lines[5]!}\n`;
    expect(textOf(await verify(new Map(files).set('checkpoint', utf8(twice))))).contains(
      'a second time',
    );
    const renamed = note.replace('L4/witness', 'L5/witness');
    expect(textOf(await verify(new Map(files).set('checkpoint', utf8(renamed))))).contains(
      "not a member's",
    );
  });

  it('refuses a log of another consortium', async () => {
    const { files, consortium } = await makeSampleLog({ rounds: ['sealed'] });
    const directory = directoryOf(files);
    const { cid } = consortium.signed;
    expect((await verifyLogDirectory(directory, { consortium: cid })).ok).equals(true);
    const other = await verifyLogDirectory(directory, { consortium: '0'.repeat(64) as Digest });
    expect(textOf(other)).contains(`manifest.json: the consortium is ${cid}`);
  });

  describe('finds what a consortium should not have agreed on', () => {
    const zero = '0'.repeat(64) as Digest;
    const cases: Record<string, [SampleOptions, RegExp]> = {
      "a weight that is not the envelope's": [
        warpOp('CUT', (op) => ({
          ...op,
          updates: op.updates.map((u, i) => (i === 0 ? { ...u, n: u.n + 1 } : u)),
        })),
        /entry \d+ \(update of L1, round 1\): its weight is 10, the CUT says 11/,
      ],
      'a weight above the cap': [
        {
          ...warpOp('CUT', (op) => ({
            ...op,
            updates: op.updates.map((u, i) => (i === 0 ? { ...u, n: 101 } : u)),
          })),
        },
        /weight 101 of L1 is above 100/,
      ],
      'another ciphertext': [
        warpOp('CUT', (op) => ({
          ...op,
          updates: op.updates.map((u, i) => (i === 1 ? { ...u, upd: zero } : u)),
        })),
        /update of L2, round 1\): its update's digest is not that of the CUT/,
      ],
      'a base that is not the last model': [
        warpOp('OPEN', (op) => (op.r === 2 ? { ...op, base: zero } : op)),
        /decisions\/4\.json OPEN of round 2: its base is not the model/,
      ],
      'a rate that is not the round’s': [
        warpOp('OPEN', (op) => {
          // Of four rounds, the second at 1000 · 0.75^0.9 = 772: the first's rate again is wrong.
          expect(op.hp.lrMicro).equals(op.r === 1 ? 1000 : 772);
          return op.r === 2 ? { ...op, hp: { ...op.hp, lrMicro: 1000 } } : op;
        }),
        /^(?!.*round 1:)[^]*OPEN of round 2: its hyper-parameters are not the plan's/,
      ],
      'another rule of averaging': [
        warpOp('OPEN', (op) => ({ ...op, rule: { ...op.rule, outerRateMicro: 2_000_000 } })),
        /OPEN of round 1: its rule of averaging is not the plan's/,
      ],
      'a wrong sum of weights': [
        warpOp('SEAL', (op) => ({ ...op, W: op.W + 1 })),
        /SEAL of round 1: W is 47, the CUT's weights sum to 46/,
      ],
      'a round left out': [
        warpOp('OPEN', (op) => ({ ...op, r: (op.r + 1) as typeof op.r })),
        /OPEN of round 2: expected round 1/,
      ],
      'an end of a round that is not open': [
        warpOp('OPEN', (op) => ({ op: 'VOID', r: op.r, reason: 'rejected_model' })),
        /decisions\/1\.json VOID of round 1: no round is open/,
      ],
      'participants beyond the plan': [
        warpOp('OPEN', (op) => ({ ...op, participants: op.participants.slice(1) })),
        /its participants are not the plan's[^]*L1 does not take part/,
      ],
      'a chain that names another block': [
        { warp: (body) => (body.h === 3 ? { ...body, prev: zero } : body) },
        /decisions\/3\.json: it does not name the block before it/,
      ],
      'a time that runs backwards': [
        { warp: (body) => (body.h === 3 ? { ...body, ts: 1 } : body) },
        /decisions\/3\.json: its time is before/,
      ],
      'a statement of another round': [
        { warpStatement: (s) => ({ ...s, round: 9 as typeof s.round }) },
        /update of L1, round 1\): of round 9, not 1/,
      ],
      "a statement in another's name": [
        { warpStatement: (s) => ({ ...s, author: 'L2' as typeof s.author }) },
        /update of L1, round 1\): no signature of the envelope is of the expected key/,
      ],
      'a statement from another base': [
        { warpStatement: (s) => ({ ...s, base: zero }) },
        /trained from another model/,
      ],
      'a head that weighs more than its update': [
        { warpStatement: (s) => ({ ...s, heads: { hps: s.weight + 1 } }) },
        /update of L1, round 1\).*heads/,
      ],
      'a statement of another OPEN': [
        { warpStatement: (s) => ({ ...s, open: zero }) },
        /trained as another OPEN says/,
      ],
    };
    for (const [title, [options, expected]] of Object.entries(cases)) {
      it(title, async () => {
        const { files } = await makeSampleLog({ rounds: ['sealed', 'sealed'], ...options });
        expect(textOf(await verify(files))).matches(expected);
      });
    }
  });

  it('finds a certificate of other voters or another block', async () => {
    const { files } = await makeSampleLog({ rounds: ['sealed'] });
    const swapped = new Map(files).set('decisions/2.json', files.get('decisions/3.json')!);
    expect(textOf(await verify(swapped))).contains('decisions/2.json: it holds height 3');
    const text = new TextDecoder().decode(files.get('decisions/3.json'));
    const fewer = utf8(text.replace(/,\[2,"[^"]*"\]/, ''));
    expect(textOf(await verify(new Map(files).set('decisions/3.json', fewer)))).contains(
      'decisions/3.json: expected valid votes of 3 members, got 2',
    );
  });

  it('does not believe the size that one member says when there are no bundles for it', async () => {
    const { files, consortium } = await makeSampleLog({ rounds: ['sealed'], isUncosigned: true });
    const name = logOrigin(consortium.signed);
    const text = formatCheckpoint({ origin: name, size: 2 ** 40, root: new Uint8Array(32) });
    const line = signCheckpoint(text, name, consortium.members[0]!.keys.log);
    const note = formatNote({ text, signatures: [line] });
    expect(textOf(await verify(new Map(files).set('checkpoint.next', note)))).contains(
      `tile/entries: too few bundles for the ${2 ** 40} entries`,
    );
  });

  describe('gives one finding for one cause', () => {
    it('when a file is deleted, and counts what could not be checked', async () => {
      // 14 entries: of either round 4 updates and 3 blocks, in a cosigned bundle of 7 and one of 14.
      const { files } = await makeSampleLog({ rounds: ['sealed'], isUncosigned: true });
      const expected = new Map([
        ['tile/entries/000.p/14', 'the file is missing: 14 entries could not be checked'],
        [
          'decisions/2.json',
          'the file is missing; the rounds from here to height 6 could not be followed, nor their 4 updates checked against them',
        ],
        [
          'decisions/6.json',
          'the file is missing: the last 1 of the 14 signed entries belong to no decision',
        ],
      ]);
      for (const name of files.keys()) {
        if (name === 'checkpoint.next') continue; // as after a crash: not a fault
        const without = new Map(files);
        without.delete(name);
        const { findings } = await verify(without);
        expect(findings, name).has.length(1);
        expect(findings[0]!.where, name).equals(name);
        const text = expected.get(name);
        if (text !== undefined) expect(findings[0]!.what).equals(text);
      }
    });

    it('when a byte in the middle of a file is flipped', async () => {
      const { files } = await makeSampleLog({ rounds: ['sealed'], isUncosigned: true });
      for (const [name, bytes] of files) {
        const verdict = await verify(changed(files, name, flipAt(bytes.byteLength >> 1)));
        expect(verdict.findings, `${name}: ${textOf(verdict)}`).has.length(1);
      }
    });

    it('when a full bundle is deleted: 256 entries, one finding', async () => {
      const rounds = Array.from({ length: 40 }, () => 'sealed' as const);
      const { files } = await makeSampleLog({ rounds });
      for (const [gone, text] of [
        [['tile/entries/000'], '^tile/entries/000: the file is missing: 256 entries'],
        [
          ['tile/entries/000', 'tile/entries/001.p/24'],
          '^tile/entries/000, tile/entries/001.p/24: 2 files are missing: 280 entries',
        ],
        // Of an entry neither in a bundle nor in a tile nothing is known; both files are named.
        [['tile/entries/000', 'tile/0/000'], '^tile/entries/000: .*256 entries.*\ntile/0/000: .*$'],
        [
          [4, 5, 6, 7].map((height) => `decisions/${height}.json`),
          '^decisions/4.json, .* and 1 more:',
        ],
      ] as const) {
        const without = new Map(files);
        for (const name of gone) expect(without.delete(name), name).equals(true);
        const { findings } = await verify(without);
        // The plan has four rounds only: those findings are not of the deletion.
        const own = findings.filter(({ what }) => !what.includes('plan'));
        const said = own.map(({ where, what }) => `${where}: ${what}`).join('\n');
        expect(said).matches(new RegExp(text));
        expect(own, said).has.length(gone[1] === 'tile/0/000' ? 2 : 1);
      }
    });

    it('when strangers lie about', async () => {
      const { files } = await makeSampleLog({ rounds: ['sealed'] });
      const more = new Map(files);
      for (let i = 0; i < 40; i++) more.set(`tile/0/0${10 + i}`, utf8('?'));
      expect(textOf(await verify(more))).equals(
        'tile/0/010, tile/0/011, tile/0/012 and 37 more: a file that does not belong to this log',
      );
    });
  });
});
