/**
 * The largest message of every kind, built field by field and not by the limits' arithmetic, goes through writer, transport
 * and reader in consortia of 4, 31, 100 and 256 members. `MESSAGE_SIZES=1` prints the table of docs/specs/wire.md.
 */
import { expect } from 'chai';

import { base64, utf8, type Digest, type NodeId } from '../../src/base/index.ts';
import { seededRandom, type RoundNumber, type Height } from '../../src/base/index.ts';
import { decodeMessage, encodeMessage, type ConsensusMessage } from '../../src/consensus/index.ts';
import {
  readPeerMessage,
  writePeerMessage,
  type PeerMessage,
} from '../../src/peer/peer-messages.ts';
import { virtualNetwork } from '../../src/simulate/virtual-network.ts';
import { virtualClock } from '../../src/simulate/virtual-clock.ts';
import {
  type Certificate,
  type SignedStatement,
  type Topic,
  limits,
} from '../../src/wire/index.ts';

const number = 2 ** 31 - 1;
const digest = 'f'.repeat(64) as Digest;
const sig = base64(new Uint8Array(64).fill(255));
const body = base64(new Uint8Array(limits.bodyBytesMax).fill(255));
const common = { cid: digest, e: number, h: number };
const id = (i: number): NodeId => `${'M'.repeat(29)}${String(i).padStart(3, '0')}` as NodeId;

/** All members signed: more than the quorum that a node would put in. */
function certificate(kind: Certificate['kind'], n: number): Certificate {
  const sigs = Array.from({ length: n }, (_, i) => [i, sig] as const);
  const more = kind === 'NULLIFY' ? { p: sigs.map(() => number - 1) } : { x: digest };
  return { kind, h: number, v: number, ...more, sigs };
}

function consensusMessages(n: number): ConsensusMessage[] {
  const nota = certificate('NOTARIZE', n);
  const nulli = certificate('NULLIFY', n);
  const chain = { nota, nulli };
  const signer = { i: n - 1, sig };
  const proposal = { ...common, t: 'PROPOSE', v: number, x: digest, p: number, j: digest } as const;
  const statement: SignedStatement = { ...proposal, ...signer };
  return [
    { ...proposal, ...signer, body, chain },
    { ...common, t: 'NOTARIZE', v: number, x: digest, ...signer },
    { ...common, t: 'NULLIFY', v: number, p: number - 1, ...signer },
    { ...common, t: 'FINALIZE', v: number, x: digest, ...signer },
    { ...common, t: 'CERT', cert: nulli },
    { ...common, t: 'VIEW', v: number, chain },
    { ...common, t: 'STATUS', v: number },
    { ...common, t: 'GETBODY', x: digest },
    { ...common, t: 'BODY', body },
    { ...common, t: 'DECIDED', body, cert: certificate('FINALIZE', n) },
    {
      ...common,
      t: 'EVIDENCE',
      pair: { kind: 'bad_justification', a: statement, b: null, chain },
    },
    { ...common, t: 'RECALL', n: number },
    { ...common, t: 'RECALLED', n: number, votes: Array.from({ length: 64 }, () => statement) },
  ];
}

function peerMessages(n: number): PeerMessage[] {
  const [h, r] = [number as Height, number as RoundNumber];
  // Two updates of each member: more than an honest one has.
  const envelopes = Array.from({ length: 2 * n }, () => digest);
  return [
    // As the writer's own envelopes: twenty quotes, each escaped in the message.
    { t: 'update', r, envelope: `${'"'.repeat(20)}${'x'.repeat(65_535 - 20)}` },
    { t: 'holds', r, open: envelopes, locked: envelopes },
    {
      ...{ t: 'pieces', r, shards: Array.from({ length: n }, (_, at) => at) },
      ...{ open: envelopes, locked: envelopes },
    },
    {
      ...{ t: 'sums', r },
      said: {
        ...{ cid: digest, r, cut: digest, i: n - 1, sig },
        sums: Array.from({ length: n }, (_, shard) => ({ shard, sum: digest })),
      },
    },
    { t: 'key', r, env: digest, sealed: base64(new Uint8Array(80)) },
    { t: 'step', r, statement: `${'"'.repeat(20)}${'x'.repeat(65_535 - 20)}` },
    { t: 'report', r, statement: `${'"'.repeat(20)}${'x'.repeat(65_535 - 20)}` },
    { t: 'lacks', r, cut: digest, step: 199, ...everybody(n) },
    { t: 'near', r, model: digest },
    { t: 'status', h, r, s: number, at: 2 ** 53 - 1, code: digest, m: number, x: r },
    { t: 'manifest', version: number, digest },
  ];
}

/** All are lacked, each with its key. */
function everybody(n: number): { from: NodeId[]; keys: Record<NodeId, string> } {
  const from = Array.from({ length: n }, (_, i) => id(i));
  return { from, keys: Object.fromEntries(from.map((one) => [one, base64(new Uint8Array(32))])) };
}

/** A checkpoint that every witness cosigned: origin, size, root, the log's line, and one line a member. */
function checkpoint(n: number): Uint8Array {
  const origin = `${'d'.repeat(253)}/fl/${'f'.repeat(16)}`;
  // C2SP signed-note: base64 of a 4-byte key id and the signature, which for a cosignature has 8 bytes of time before it.
  const [own, cosigned] = [68, 76].map((bytes) => base64(new Uint8Array(bytes)));
  const lines = Array.from({ length: n }, (_, i) => `— ${id(i)}/witness ${cosigned}\n`);
  const root = base64(new Uint8Array(32));
  return utf8(`${origin}\n${2 ** 53}\n${root}\n\n— ${origin} ${own}\n${lines.join('')}`);
}

describe('the largest message of every kind', () => {
  for (const n of [4, 31, 100, 256]) {
    it(`passes writer, transport and reader among ${n} members`, async () => {
      const sent: { kind: string; topic: Topic; bytes: Uint8Array; bytesMax: number }[] = [];
      for (const message of consensusMessages(n)) {
        const bytes = encodeMessage(message);
        expect(decodeMessage(bytes), message.t).to.deep.equal(message);
        const bytesMax = limits.consensusBytes(n)[message.t];
        sent.push({ kind: message.t, topic: 'consensus', bytes, bytesMax });
      }
      for (const message of peerMessages(n)) {
        const [topic, bytes] = writePeerMessage(message);
        expect(readPeerMessage(topic, bytes), message.t).to.deep.equal(message);
        sent.push({ kind: message.t, topic, bytes, bytesMax: limits.peerBytes(n)[message.t] });
      }
      const bytesMax = limits.peerBytes(n).checkpoint;
      sent.push({ kind: 'checkpoint', topic: 'log', bytes: checkpoint(n), bytesMax });

      expect(sent.map(({ kind }) => kind)).to.have.members([
        ...limits.consensusKinds,
        ...Object.keys(limits.peerBytesMax),
      ]);
      const arrived = await throughMemory(sent);
      expect(arrived).to.deep.equal(sent.map(({ bytes }) => bytes.byteLength));
      for (const { kind, bytes, bytesMax: most } of sent) {
        expect(bytes.byteLength, `${kind}, n = ${n}`).to.be.at.most(most);
        // A limit that is twice as much as anything can need would hide a message that grew.
        if (n === limits.membersMax && most > 2048)
          expect(bytes.byteLength * 2, `${kind}, n = ${n}`).to.be.at.least(most);
        if (process.env.MESSAGE_SIZES !== undefined) {
          process.stdout.write(`${n} ${kind} ${bytes.byteLength} of ${most}\n`);
        }
      }
    });
  }

  it('grows by a line for each member where it holds certificates, and not at all elsewhere', () => {
    const sizes = (n: number): Record<string, number> =>
      Object.fromEntries(consensusMessages(n).map((one) => [one.t, encodeMessage(one).byteLength]));
    const [small, large] = [sizes(50), sizes(51)];
    const grows = Object.keys(small).filter((kind) => large[kind]! > small[kind]!);
    expect(grows).to.have.members(['PROPOSE', 'CERT', 'VIEW', 'DECIDED', 'EVIDENCE']);
    // `[50,"<88>"],` has 96 bytes; a nullification has `2147483646,` besides: 107.
    expect(large.DECIDED! - small.DECIDED!).to.equal(96);
    expect(large.VIEW! - small.VIEW!).to.equal(96 + 107);
  });
});

/** What another member gets of these, in order of sending. */
async function throughMemory(
  sent: readonly { readonly topic: Topic; readonly bytes: Uint8Array }[],
): Promise<number[]> {
  const clock = virtualClock();
  const faults = { latencyMsMin: 5, latencyMsMax: 5 };
  const network = virtualNetwork({ clock, random: seededRandom('sizes'), faults });
  const [one, two] = [network.join(id(1)), network.join(id(2))];
  const arrived: number[] = [];
  two.onMessage((_from, _topic, bytes) => (arrived.push(bytes.byteLength), 'accept'));
  await one.start();
  await two.start();
  for (const { topic, bytes } of sent) one.send(two.self, topic, bytes);
  await clock.advance(100);
  return arrived;
}
