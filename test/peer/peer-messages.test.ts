import { expect } from 'chai';
import fc from 'fast-check';
import { utf8, type Height, type RoundNumber } from '../../src/base/index.ts';
import { digestOf } from '../../src/crypto/index.ts';
import {
  readPeerMessage,
  writePeerMessage,
  type PeerMessage,
} from '../../src/peer/peer-messages.ts';
import { encodeCanonical, limits, topics, type Json } from '../../src/wire/index.ts';

const digest = digestOf(utf8('x'));
const sealed = Buffer.alloc(80, 7).toString('base64');
const r = 3 as RoundNumber;
const status = {
  t: 'status',
  h: 7 as Height,
  r,
  s: 12,
  at: 1_795_946_400_000,
  code: digest,
  m: 2,
} as const;
const update = { t: 'update', r, envelope: '{"payload":"…"}' } as const;
const holds = { t: 'holds', r, open: [digest], locked: [] } as const;
const key = { t: 'key', r, env: digest, sealed } as const;
const messages: readonly PeerMessage[] = [status, update, holds, key];

describe('peer messages', () => {
  it('come back as they were written, on their own topic only', () => {
    for (const message of messages) {
      const [topic, bytes] = writePeerMessage(message);
      expect(readPeerMessage(topic, bytes), message.t).to.deep.equal(message);
      for (const other of topics.filter((one) => one !== topic)) {
        expect(readPeerMessage(other, bytes), `${message.t} on ${other}`).to.equal(null);
      }
    }
  });

  const wrong: Record<string, Json> = {
    'a missing field': { t: 'status', h: 7, r: 3 },
    'an unknown field': { ...status, y: 1 },
    'an unknown kind': { ...status, t: 'hello' },
    'a negative height': { ...status, h: -1 },
    'a height of 2^31': { ...status, h: 2 ** 31 },
    'a heartbeat without a program': { t: 'status', h: 7, r: 3, s: 12, at: 0, m: 0 },
    'a clock before 1970': { ...status, at: -1 },
    'a clock that is a text': { ...status, at: '2026-11-29' },
    'a program that is no digest': { ...status, code: 'v0.1.0' },
    'a version of 2^31': { ...status, m: 2 ** 31 },
    'a text for a number': { ...status, r: '3' },
    'a short key': { ...key, sealed: sealed.slice(0, 104) },
    'an upper-case digest': { ...holds, open: [digest.toUpperCase()] },
    'a digest that is none': { ...holds, locked: ['x'] },
    'too many updates': { ...holds, open: Array.from({ length: 513 }, () => digest) },
    'a list': [status],
    nothing: null,
  };
  for (const [name, value] of Object.entries(wrong)) {
    it(`refuses ${name}`, () => {
      for (const topic of topics) {
        expect(readPeerMessage(topic, encodeCanonical(value)), topic).to.equal(null);
      }
    });
  }

  it('takes two updates of 256 members in either list, which fit into a message', () => {
    const all = Array.from({ length: 512 }, () => digest);
    const many = { ...holds, open: all, locked: all };
    const [topic, bytes] = writePeerMessage(many);
    // Two lists of 512 digests in quotes, each with a comma: 2 · 512 · 67 = 68608, and the frame.
    expect(bytes.byteLength).to.be.within(68_608, limits.peerBytesMax.holds);
    expect(readPeerMessage(topic, bytes)).to.deep.equal(many);
  });

  it('refuses bytes that are not the canonical form, or too many', () => {
    const [topic, bytes] = writePeerMessage(status);
    const text = Buffer.from(bytes).toString();
    for (const bent of [` ${text}`, text.slice(0, -1), `${text}\n`, text.replace('"h"', '"h" ')]) {
      expect(readPeerMessage(topic, utf8(bent)), bent).to.equal(null);
    }
    // An envelope is a log entry of at most 65 535 bytes; its quotes are escaped in here.
    const fits = { ...update, envelope: `${'"'.repeat(500)}${'x'.repeat(65_035)}` };
    expect(readPeerMessage('updates', encodeCanonical(fits))).to.deep.equal(fits);
    const long = { ...update, envelope: 'x'.repeat(65_536) };
    expect(readPeerMessage('updates', encodeCanonical(long))).to.equal(null);
  });

  it('answers noise with null and never throws', () => {
    const topic = fc.constantFrom(...topics);
    fc.assert(
      fc.property(topic, fc.uint8Array({ maxLength: 200 }), (one, bytes) => {
        expect(readPeerMessage(one, bytes)).to.equal(null);
      }),
      { numRuns: 300, seed: 1 },
    );
    // Noise in one place of a good message: what is still read is written to the same bytes.
    const bent = fc.tuple(fc.constantFrom(...messages), fc.nat(), fc.nat(255));
    fc.assert(
      fc.property(bent, ([message, at, value]) => {
        const [one, bytes] = writePeerMessage(message);
        bytes[at % bytes.length] = value;
        const read = readPeerMessage(one, bytes);
        if (read !== null) expect(writePeerMessage(read)[1]).to.deep.equal(bytes);
      }),
      { numRuns: 300, seed: 2 },
    );
  });
});
