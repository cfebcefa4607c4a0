import { expect } from 'chai';
import fc from 'fast-check';

import {
  concatBytes,
  fromHex,
  fromUtf8,
  hex,
  utf8,
  type NodeId,
  type RoundNumber,
} from '../../src/base/index.ts';
import { BulkDecryption, CryptoError, digestOf, isBulkKey } from '../../src/crypto/index.ts';
import {
  bulkContext,
  encodeUpdateStatement,
  handOverKey,
  openHandedKey,
  openUpdateKey,
  readUpdateStatement,
  encryptUpdateKey,
  signUpdateStatement,
  verifyManifest,
  verifyUpdateStatement,
  WireError,
  type UpdateStatement,
} from '../../src/wire/index.ts';
import { flipped, keyOf, readVector, sealKeyOf } from './fixtures.ts';

const { manifest, cid } = verifyManifest(utf8(readVector('manifest.json').envelope!));
const vector = readVector('update.json');
const bytes = utf8(vector.envelope!);
const { statement } = verifyUpdateStatement(bytes, manifest, cid);

/** As many heads, each of weight 1. */
function headsOf(count: number): Record<string, number> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`head-${i}`, 1]));
}

function codeOf(act: () => unknown): string {
  try {
    act();
    return 'accepted';
  } catch (error) {
    if (error instanceof WireError) return error.code;
    throw error;
  }
}

/** The plaintext for `id`, or why there is none. */
async function openingOf(
  stated: UpdateStatement,
  id: string,
  privateKey: Uint8Array,
  ciphertext: Uint8Array,
): Promise<Uint8Array | string> {
  const key = await openUpdateKey(stated, id as NodeId, privateKey);
  if (key === null || !isBulkKey(key, bulkContext(stated), ciphertext)) return 'no_key';
  try {
    const plaintext: Uint8Array[] = [];
    const decryption = new BulkDecryption(key, bulkContext(stated), (part) => plaintext.push(part));
    decryption.push(ciphertext);
    decryption.end();
    return concatBytes(...plaintext);
  } catch (error) {
    if (error instanceof CryptoError) return error.code;
    throw error;
  }
}

describe('update statement', () => {
  it('is read as written by another implementation', () => {
    const { env } = verifyUpdateStatement(bytes, manifest, cid);
    expect(env).to.equal(vector.env);
    expect(statement.author).to.equal('L1');
    expect(statement.round).to.equal(3);
    expect(statement.weight).to.equal(120);
    expect(statement.heads).to.deep.equal({ hps: 120, ms: 0 });
    expect(statement.metrics).to.deep.equal({ loss: 1234 });
    expect(statement.open).to.equal(vector.open);
    expect(statement.base).to.equal(digestOf(utf8('base-model')));
    expect(statement.code).to.equal(digestOf(utf8('code')));
    expect(statement.dataset).to.equal(digestOf(utf8('dataset')));
    expect(statement.update).to.equal(digestOf(fromHex(vector.ciphertext!)!));
    expect(statement.nodeLog).to.deep.equal({ log: 1, size: 5, root: digestOf(utf8('own log')) });
    expect(Object.keys(statement.sealedKeys)).to.deep.equal(['L1', 'L2', 'L3', 'L4']);
  });

  it('is signed to the same bytes as by another implementation', () => {
    expect(fromUtf8(signUpdateStatement(statement, keyOf('L1', 'logKey')))).to.equal(
      vector.envelope,
    );
  });

  it('counts only when its author signed it, with the log key', () => {
    const verify = (of: UpdateStatement, id: string, role = 'logKey'): string =>
      codeOf(() => verifyUpdateStatement(signUpdateStatement(of, keyOf(id, role)), manifest, cid));
    expect(verify(statement, 'L1')).to.equal('accepted');
    expect(verify(statement, 'L2')).to.equal('bad_signature');
    expect(verify(statement, 'L1', 'orgKey')).to.equal('bad_signature');
    expect(verify({ ...statement, author: 'L2' as NodeId }, 'L1')).to.equal('bad_signature');
    expect(verify({ ...statement, author: 'L9' as NodeId }, 'L9')).to.equal('malformed');
  });

  it('is read as of version 4 without the head of an own log, which logs of that time hold', () => {
    const former = { ...statement, nodeLog: null };
    const text = fromUtf8(encodeUpdateStatement(former));
    expect(text).to.include('local-train/v4').and.not.include('nodeLog');
    expect(readUpdateStatement(JSON.parse(text))).to.deep.equal(former);
    const alone = JSON.parse(text.replace('local-train/v4', 'local-train/v5')) as unknown;
    expect(codeOf(() => readUpdateStatement(alone))).to.equal('malformed');
  });

  const { L1, L2, L3 } = statement.sealedKeys as Record<string, string>;
  const three = { L1: L1!, L2: L2!, L3: L3! };
  const refused: [string, Partial<UpdateStatement>][] = [
    ['another consortium', { cid: statement.base }],
    ['a weight of 2^31', { weight: 2 ** 31 }],
    ['an update above the limit', { updateBytes: 1_000_001 }],
    ['a member without a key', { sealedKeys: three }],
    [
      'a key for a stranger',
      { sealedKeys: { ...statement.sealedKeys, L9: three.L1 } as UpdateStatement['sealedKeys'] },
    ],
    [
      'a stranger in place of a member',
      { sealedKeys: { ...three, L9: three.L1 } as UpdateStatement['sealedKeys'] },
    ],
    [
      'a sealed key of another size',
      { sealedKeys: { ...statement.sealedKeys, L1: 'AAAA' } as UpdateStatement['sealedKeys'] },
    ],
    ['a metric with a free name', { metrics: { 'patient 7': 1 } }],
    ['a weight of 0', { weight: 0 }],
    ['a head that weighs more than its update', { heads: { hps: 121 } }],
    ['a head that weighs less than nothing', { heads: { hps: -1 } }],
    ['a head with a free name', { heads: { 'patient 7': 1 } }],
    ['more heads than a model may have', { heads: headsOf(9) }],
    ['an OPEN that is no digest', { open: 'a b' as UpdateStatement['open'] }],
  ];
  for (const [what, changes] of refused) {
    it(`refuses ${what}`, () => {
      const signed = signUpdateStatement({ ...statement, ...changes }, keyOf('L1', 'logKey'));
      expect(codeOf(() => verifyUpdateStatement(signed, manifest, cid))).to.equal('malformed');
    });
  }

  it('refuses documents whose fields contradict each other or are unknown', () => {
    const text = fromUtf8(encodeUpdateStatement(statement));
    const swaps: [string, string][] = [
      ['"name":"update/', '"name":"updata/'],
      ['/3/L1', '/4/L1'],
      ['"name":"base-model"', '"name":"code"'],
      ['"id":"L1"', '"id":"L2"'],
      ['https://slsa.dev/provenance/v1', 'https://slsa.dev/provenance/v2'],
      ['https://annulus/local-train/v5', 'https://annulus/local-train/v3'],
      ['https://annulus/local-train/v5', 'https://annulus/local-train/v4'],
      ['"name":"nodeLog"', '"name":"notes"'],
      ['"annotations":{"log":1,"size":5}', '"annotations":{"log":1,"size":0}'],
      ['"annotations":{"log":1,"size":5}', '"annotations":{"note":"x","log":1,"size":5}'],
      ['"weight":120', '"weight":120,"patient":"x"'],
      ['"round":3', '"round":"3"'],
    ];
    expect(codeOf(() => readUpdateStatement(JSON.parse(text)))).to.equal('accepted');
    for (const [from, to] of swaps) {
      expect(text, from).to.include(from);
      const value: unknown = JSON.parse(text.replace(from, to));
      expect(
        codeOf(() => readUpdateStatement(value)),
        to,
      ).to.equal('malformed');
    }
  });

  it('notices every flipped byte, and throws nothing but its coded error', () => {
    for (let index = 0; index < bytes.byteLength; index += 3) {
      const damaged = flipped(bytes, index, index % 8);
      const code = codeOf(() => verifyUpdateStatement(damaged, manifest, cid));
      expect(code, `byte ${index}`).to.not.equal('accepted');
    }
    const tooLarge = new Uint8Array(65_536);
    expect(codeOf(() => verifyUpdateStatement(tooLarge, manifest, cid))).to.equal('too_large');
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 100 }),
        (noise) => codeOf(() => verifyUpdateStatement(noise, manifest, cid)) === 'malformed',
      ),
    );
    fc.assert(
      fc.property(
        fc.jsonValue(),
        (value) => codeOf(() => readUpdateStatement(value)) === 'malformed',
      ),
    );
  });

  it('stays below the size of a log entry for 256 members', () => {
    const keys = Array.from({ length: 256 }, (_, i) => [
      `hospital-with-the-longest-na-${String(i).padStart(3, '0')}`,
      three.L1,
    ]);
    const wide = {
      ...statement,
      sealedKeys: Object.fromEntries(keys) as UpdateStatement['sealedKeys'],
    };
    expect(signUpdateStatement(wide, keyOf('L1', 'logKey')).byteLength).to.be.below(65_536);
  });
});

describe('sealing of updates', () => {
  const ciphertext = fromHex(vector.ciphertext!)!;
  const privateOf = (id: string): Uint8Array => sealKeyOf(id).privateKey;

  it('opens for every member what another implementation sealed', async () => {
    for (const { id } of manifest.members) {
      const plaintext = await openingOf(statement, id, privateOf(id), ciphertext);
      expect(hex(plaintext as Uint8Array), id).to.equal(vector.plaintext);
    }
  });

  it('encrypts a key to every member', async () => {
    const context = { cid, round: 5 as RoundNumber, author: 'L2' as NodeId };
    const key = Uint8Array.from({ length: 32 }, (_, i) => 7 * i);
    const sealedKeys = await encryptUpdateKey(context, manifest.members, key);
    const stated = { ...statement, ...context, sealedKeys };
    for (const { id } of manifest.members) {
      expect(await openUpdateKey(stated, id, privateOf(id)), id).to.deep.equal(key);
    }
    const again = await encryptUpdateKey(context, manifest.members, key);
    expect(again).to.not.deep.equal(sealedKeys);
  });

  it('is bound to consortium, round, author and recipient', async () => {
    const own = statement.sealedKeys as Readonly<Record<string, string>>;
    const cases: [string, Partial<UpdateStatement>, string][] = [
      ['round', { round: 4 as RoundNumber }, 'L2'],
      ['author', { author: 'L3' as NodeId }, 'L2'],
      ['consortium', { cid: statement.base }, 'L2'],
      ['recipient', { sealedKeys: { ...own, L2: own.L3! } as UpdateStatement['sealedKeys'] }, 'L2'],
    ];
    for (const [what, changes, id] of cases) {
      const changed = { ...statement, ...changes };
      expect(await openingOf(changed, id, privateOf(id), ciphertext), what).to.equal('no_key');
    }
  });

  it('opens nothing with the key of a stranger, for a stranger, or of changed bytes', async () => {
    expect(await openingOf(statement, 'L9', privateOf('L9'), ciphertext)).to.equal('no_key');
    expect(await openingOf(statement, 'L2', privateOf('L3'), ciphertext)).to.equal('no_key');
    // Salt and commitment say which key it is; behind them stand the chunks.
    for (const [at, why] of [
      [0, 'no_key'],
      [30, 'no_key'],
      [60, 'bad_ciphertext'],
      [ciphertext.byteLength - 1, 'bad_ciphertext'],
    ] as const) {
      const bent = flipped(ciphertext, at, 0);
      expect(await openingOf(statement, 'L2', privateOf('L2'), bent), `byte ${at}`).to.equal(why);
    }
  });

  it('lets a member hand the key on, to one member alone, who sees whether it is the right one', async () => {
    const [from, to] = [manifest.members[1]!, manifest.members[2]!];
    const key = (await openUpdateKey(statement, from.id, privateOf(from.id)))!;
    const handed = await handOverKey(statement, from.id, to, key);
    const take = async (
      stated: UpdateStatement,
      parties: { from: NodeId; to: NodeId },
      opener: string = to.id,
      sealed = handed,
    ): Promise<Uint8Array | null> => {
      const taken = await openHandedKey(stated, parties, privateOf(opener), sealed);
      const fits = taken !== null && isBulkKey(taken, bulkContext(stated), ciphertext);
      return fits ? taken : null;
    };
    const parties = { from: from.id, to: to.id };
    expect(await take(statement, parties)).to.deep.equal(key);
    const otherRound = { ...statement, round: 4 as RoundNumber };
    expect(await take(otherRound, parties), 'another round').to.equal(null);
    expect(await take(statement, { ...parties, from: to.id }), 'another giver').to.equal(null);
    expect(await take(statement, parties, 'L4'), 'another taker').to.equal(null);
    const wrong = await handOverKey(
      statement,
      from.id,
      to,
      key.map((byte) => byte ^ 1),
    );
    expect(await take(statement, parties, to.id, wrong), 'another key').to.equal(null);
    const short = await handOverKey(statement, from.id, to, key.slice(1));
    expect(await take(statement, parties, to.id, short), 'a short key').to.equal(null);
  });
});
