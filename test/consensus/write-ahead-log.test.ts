import { expect } from 'chai';

import { concatBytes } from '../../src/base/index.ts';
import {
  ConsensusError,
  decodeRecords,
  encodeRecord,
  openWal,
  recoverWal,
  walName,
  type WalRecord,
} from '../../src/consensus/index.ts';
import { base64 } from '../../src/base/index.ts';
import { MemoryStore } from '../audit/memory-store.ts';
import { Bench, bodyA, cid, Epoch, xA } from './fixture.ts';

const epoch = new Epoch();
const records = allKinds();
const pieces = records.map(encodeRecord);
const file = concatBytes(...pieces);

describe('the write-ahead log', () => {
  it('gives back every kind of record', () => {
    const kinds = records.map((record) => record.t).sort();
    expect(kinds).deep.equal(['DEC', 'FINALIZE', 'NOTARIZE', 'NULLIFY', 'PROPOSE']);
    expect(decodeRecords(file)).deep.equal({ records, soundBytes: file.byteLength });
  });

  it('writes length and CRC-32C big-endian before canonical JSON', () => {
    const [piece] = pieces;
    const view = new DataView(piece!.buffer, piece!.byteOffset);
    expect(view.getUint32(0)).equal(piece!.byteLength - 8);
    expect(Buffer.from(piece!.subarray(8, 16)).toString()).equal('{"body":');
  });

  it('drops a torn last record, wherever it tore', () => {
    const lastAt = file.byteLength - pieces.at(-1)!.byteLength;
    for (let size = lastAt; size < file.byteLength; size++) {
      const contents = decodeRecords(file.subarray(0, size));
      expect(contents.soundBytes, `cut at ${size}`).equal(lastAt);
      expect(contents.records.length, `cut at ${size}`).equal(records.length - 1);
    }
  });

  it('drops a last record whose bytes never reached the disk', () => {
    const zeros = concatBytes(pieces[0]!, new Uint8Array(100));
    expect(decodeRecords(zeros).records).deep.equal([records[0]]);
  });

  it('refuses any flipped bit before the last record', () => {
    const lastAt = file.byteLength - pieces.at(-1)!.byteLength;
    for (let at = 0; at < lastAt; at++) {
      const damaged = file.slice();
      damaged[at]! ^= 1 << (at % 8);
      expect(() => decodeRecords(damaged), `byte ${at}`)
        .throw(ConsensusError)
        .include({ code: 'corrupt_wal' });
    }
  });

  it('refuses a sound record that is no record of this version', () => {
    const unknown = encodeRecord({ ...records[0]!, t: 'LOCK' } as never);
    expect(() => decodeRecords(unknown)).throw(ConsensusError, 'must not vote');
  });

  it('appends to one file per height and cuts off what tore', async () => {
    const store = new MemoryStore();
    const wal = await openWal(store, 1, 7);
    expect(wal.records).deep.equal([]);
    await wal.append(records[0]!);
    expect(await store.list('')).deep.equal(['wal/1/7.log']);
    await store.append(walName(1, 7), pieces[1]!.slice(0, 20));
    const again = await openWal(store, 1, 7);
    expect(again.records).deep.equal([records[0]]);
    await again.append(records[2]!);
    expect((await openWal(store, 1, 7)).records).deep.equal([records[0], records[2]]);
  });

  it('recovers later heights in the order of numbers', async () => {
    const store = new MemoryStore();
    for (const height of [8, 9, 10, 11]) {
      await store.append(walName(1, height), encodeRecord({ ...records[0]!, h: height }));
    }
    await store.append(walName(2, 10), pieces[0]!);
    expect((await recoverWal(store, 1, 9)).map((record) => record.h)).deep.equal([9, 10, 11]);
  });
});

function allKinds(): WalRecord[] {
  const bench = new Bench(epoch, epoch.leader(0)).timeout();
  const common = { cid, e: 1, h: 1 };
  const finalizer = new Bench(epoch, epoch.leader(0));
  const nota = epoch.certificate('NOTARIZE', 0, xA);
  finalizer.hear({ ...common, t: 'CERT', cert: nota });
  const cert = epoch.certificate('FINALIZE', 0, xA);
  finalizer.hear({ ...common, t: 'DECIDED', body: base64(bodyA), cert });
  return [...bench.log, ...finalizer.log.filter(({ t }) => t === 'FINALIZE' || t === 'DEC')];
}
