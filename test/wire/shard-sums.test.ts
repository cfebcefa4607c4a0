/** Lists of shards and signed sums: what is read, and what is refused. */
import { expect } from 'chai';
import { utf8, type Digest, type RoundNumber } from '../../src/base/index.ts';
import { digestOf, generateEd25519, verifyRaw } from '../../src/crypto/index.ts';
import {
  decodeShardList,
  encodeShardList,
  readRule,
  readSignedSums,
  shardListBytesMax,
  signSums,
  sumsBytes,
  verifySums,
  WireError,
  type Manifest,
} from '../../src/wire/index.ts';
import { plainRule } from './sample-stage.ts';

const digest = (text: string): Digest => digestOf(utf8(text));
const refused = (act: () => unknown): string => {
  try {
    act();
    return 'accepted';
  } catch (error) {
    if (error instanceof WireError) return error.code;
    throw error;
  }
};

describe('a list of shards', () => {
  const list = [1, 2, 3].map((bytes) => ({ bytes, digest: digest(String(bytes)) }));

  it('is canonical JSON and comes back as it was', () => {
    const bytes = encodeShardList(list);
    const shown = list.map((one) => `{"bytes":${one.bytes},"digest":"${one.digest}"}`).join();
    expect(new TextDecoder().decode(bytes)).to.equal(`{"shards":[${shown}],"v":1}`);
    expect(decodeShardList(bytes, 3)).to.deep.equal(list);
  });

  it('has no other length, no other form, and no further fields', () => {
    const bytes = encodeShardList(list);
    expect(refused(() => decodeShardList(bytes, 2))).to.not.equal('accepted');
    expect(refused(() => decodeShardList(bytes, 4))).to.equal('malformed');
    for (const text of [
      '{"shards":[],"v":1}',
      '{"shards":[{"bytes":0,"digest":"' + digest('x') + '"}],"v":1}',
      '{"shards":[{"bytes":1,"digest":"' + digest('x') + '"}],"v":2}',
      '{"shards":[{"bytes":1,"digest":"' + digest('x') + '","x":1}],"v":1}',
      '{"shards":[{"bytes":1,"digest":"abc"}],"v":1}',
    ]) {
      expect(
        refused(() => decodeShardList(utf8(text), 1)),
        text,
      ).to.equal('malformed');
    }
  });

  it('of 256 fits its limit, and one byte more than that is not even read', () => {
    const longest = Array.from({ length: 256 }, () => ({
      bytes: 2 ** 31 - 1,
      digest: digest('x'),
    }));
    const bytes = encodeShardList(longest);
    expect(bytes.byteLength).to.be.at.most(shardListBytesMax(256));
    expect(decodeShardList(bytes, 256)).to.deep.equal(longest);
    const padded = new Uint8Array(shardListBytesMax(256) + 1).fill(32);
    expect(refused(() => decodeShardList(padded, 256))).to.equal('too_large');
  });
});

describe('signed sums of shards', () => {
  const [own, stranger] = [generateEd25519(), generateEd25519()];
  const keyText = (key: Uint8Array): string => Buffer.from(key).toString('base64');
  const manifest = {
    members: [{ logKey: keyText(stranger.publicKey) }, { logKey: keyText(own.publicKey) }],
  } as unknown as Manifest;
  const statement = {
    ...{ cid: digest('cid'), r: 3 as RoundNumber, cut: digest('cut'), i: 1 },
    sums: [
      { shard: 0, sum: digest('a') },
      { shard: 7, sum: digest('b') },
    ],
  };
  const signed = signSums(statement, own);

  it('prove who signed them, and that nothing was changed', () => {
    expect(verifySums(signed, manifest, verifyRaw)).to.equal(true);
    expect(readSignedSums(JSON.parse(JSON.stringify(signed)))).to.deep.equal(signed);
    const changed = [
      { ...signed, i: 0 },
      { ...signed, i: 2 },
      { ...signed, r: 4 as RoundNumber },
      { ...signed, cut: digest('another') },
      { ...signed, cid: digest('another') },
      { ...signed, sums: signed.sums.slice(1) },
      { ...signed, sums: [{ shard: 0, sum: digest('b') }, signed.sums[1]!] },
      { ...signed, sums: [{ shard: 1, sum: digest('a') }, signed.sums[1]!] },
    ];
    for (const one of changed) {
      expect(verifySums(one, manifest, verifyRaw), JSON.stringify(one)).to.equal(false);
    }
  });

  it('are signed in a domain of their own', () => {
    const text = new TextDecoder().decode(sumsBytes(statement));
    expect(text.startsWith('annulus/shard-sums/v1\n{"cid":')).to.equal(true);
  });

  it('name each shard once, ascending, and one at least', () => {
    const [a, b] = statement.sums;
    for (const sums of [[], [b!, a!], [a!, a!], [{ ...a!, shard: 256 }], [{ ...a!, shard: -1 }]]) {
      const form = JSON.parse(JSON.stringify({ ...signed, sums })) as unknown;
      expect(
        refused(() => readSignedSums(form)),
        JSON.stringify(sums),
      ).to.equal('malformed');
    }
  });
});

describe('the rule of rounds in shards', () => {
  it('is that of exact rounds with two to seven reducers', () => {
    const rule = { ...plainRule, kind: 'sharded', reducers: 3 } as const;
    expect(readRule(rule)).to.deep.equal(rule);
    for (const reducers of [undefined, 0, 1, 8, 2.5]) {
      expect(
        refused(() => readRule({ ...rule, reducers })),
        String(reducers),
      ).to.equal('malformed');
    }
    expect(refused(() => readRule({ ...rule, samplesCap: rule.weightMax + 1 }))).to.equal(
      'malformed',
    );
    expect(refused(() => readRule({ ...plainRule, reducers: 3 }))).to.equal('malformed');
  });
});
