import { expect } from 'chai';
import fc from 'fast-check';

import { base64, utf8 } from '../../src/base/index.ts';
import {
  ConsensusError,
  decodeMessage,
  encodeMessage,
  type ConsensusMessage,
} from '../../src/consensus/index.ts';
import { signedPart, limits } from '../../src/wire/index.ts';
import { Bench, bodyA, cid, Epoch, xA, xB } from './fixture.ts';

const epoch = new Epoch();
const common = { cid, e: 1, h: 1 };
const pair = {
  kind: 'two_notarizations',
  a: signedPart(epoch.vote('NOTARIZE', 0, xA, 2)),
  b: signedPart(epoch.vote('NOTARIZE', 0, xB, 2)),
} as const;
const messages: ConsensusMessage[] = [
  epoch.vote('NOTARIZE', 0, xA, 0),
  epoch.vote('NULLIFY', 0, undefined, 0),
  epoch.vote('FINALIZE', 0, xA, 0),
  epoch.proposal(1, bodyA, epoch.nulls(1)),
  { ...common, t: 'CERT', cert: epoch.certificate('NOTARIZE', 0, xA) },
  { ...common, t: 'VIEW', v: 1, chain: epoch.nulls(1) },
  { ...common, t: 'STATUS', v: 0 },
  { ...common, t: 'RECALL', n: 5 },
  {
    ...common,
    t: 'RECALLED',
    n: 5,
    votes: [signedPart(epoch.vote('NULLIFY', 3, undefined, 1, 2))],
  },
  { ...common, t: 'GETBODY', x: xA },
  { ...common, t: 'BODY', body: base64(bodyA) },
  { ...common, t: 'DECIDED', body: base64(bodyA), cert: epoch.certificate('FINALIZE', 0, xA) },
  { ...common, t: 'EVIDENCE', pair },
];

describe('consensus messages', () => {
  it('come back as they were sent', () => {
    for (const message of messages) {
      expect(decodeMessage(encodeMessage(message)), message.t).deep.equal(message);
    }
  });

  it('are refused with a key more, a key less or another spelling', () => {
    for (const message of messages) {
      const more = utf8(JSON.stringify({ ...message, zz: 1 }));
      const less = { ...message, cid: undefined };
      const spaced = utf8(` ${Buffer.from(encodeMessage(message)).toString()}`);
      for (const bytes of [more, utf8(JSON.stringify(less)), spaced]) {
        expect(() => decodeMessage(bytes), message.t)
          .throw(ConsensusError)
          .include({ code: 'malformed' });
      }
    }
  });

  it('are refused when larger than their kind may be', () => {
    const large = encodeMessage({ ...common, t: 'BODY', body: base64(new Uint8Array(61_441)) });
    expect(() => decodeMessage(large), 'body').throw(ConsensusError);
    expect(() =>
      decodeMessage(new Uint8Array(limits.topicBytesMax.consensus + 1).fill(0x20)),
    ).throw(ConsensusError);
    const fits = encodeMessage({ ...common, t: 'BODY', body: base64(new Uint8Array(61_440)) });
    expect(decodeMessage(fits)).include({ t: 'BODY' });
  });

  it('never make decoder or machine fail, whatever the bytes', () => {
    const bench = new Bench(epoch, 3);
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.integer({ min: 0, max: 3 }),
        (bytes, from) => {
          expect(() => decodeMessage(bytes)).throw(ConsensusError);
          expect(bench.hearBytes(bytes, from).of('refused')).lengthOf(1);
        },
      ),
      { numRuns: 500, seed: 1 },
    );
  });

  it('never make the machine fail or vote when bytes of good ones are altered', () => {
    const encoded = messages.map(encodeMessage);
    const flip = fc.record({
      which: fc.nat({ max: encoded.length - 1 }),
      at: fc.nat(),
      byte: fc.integer({ min: 1, max: 255 }),
    });
    fc.assert(
      fc.property(flip, ({ which, at, byte }) => {
        const bytes = encoded[which]!.slice();
        bytes[at % bytes.byteLength]! ^= byte;
        const bench = new Bench(epoch, 3);
        bench.offer = null;
        const before = bench.log.length;
        bench.hearBytes(bytes, 0);
        expect(bench.log.length, Buffer.from(bytes).toString()).equal(before);
        expect([bench.machine.height, bench.machine.view]).deep.equal([1, 0]);
      }),
      { numRuns: 500, seed: 1 },
    );
  });

  it('never make the machine fail when good fields are shuffled between them', () => {
    const fields = messages.flatMap((message): [string, unknown][] => Object.entries(message));
    const swap = fc.record({
      which: fc.nat({ max: messages.length - 1 }),
      from: fc.nat({ max: fields.length - 1 }),
    });
    fc.assert(
      fc.property(fc.array(swap, { minLength: 1, maxLength: 6 }), (swaps) => {
        const bench = new Bench(epoch, 3);
        for (const { which, from } of swaps) {
          const [key, value] = fields[from]!;
          const mixed = { ...messages[which], [key]: value } as unknown as ConsensusMessage;
          bench.hearBytes(encodeMessage(mixed), 0);
        }
      }),
      { numRuns: 500, seed: 1 },
    );
  });
});
