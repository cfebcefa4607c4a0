/** What every `Transport` must do; runs on the memory network and on libp2p. */
import { expect } from 'chai';

import { parseDigest, type Digest, type NodeId } from '../../src/base/index.ts';
import {
  TransportError,
  type Topic,
  type Transport,
  type TransportMember,
} from '../../src/wire/index.ts';
import { heldBlob } from './held-blob.ts';

/** Transports of the named nodes, not started. */
export interface Rig {
  readonly transports: readonly Transport[];
  /** The same nodes as members, as the transports were made with. */
  readonly members: readonly TransportMember[];
  /** Starts a node anew under another key; the line that others must have of it. */
  renew(id: NodeId): Promise<{ transport: Transport; member: TransportMember }>;
  /** Lets time pass until `isDone`, at most some seconds. Whether it became true. */
  settle(isDone: () => boolean): Promise<boolean>;
  /** Lets time pass while `work` runs. */
  during<T>(work: Promise<T>): Promise<T>;
  /** Releases everything. */
  close(): Promise<void>;
}

/** Digest made of one repeated hex digit. */
function digestOfDigit(digit: string): Digest {
  return parseDigest(digit.repeat(64))!;
}

const blobBytes = 300_000;
const blob = Uint8Array.from({ length: blobBytes }, (_, i) => (i * 31) & 255);
const known = digestOfDigit('a');

/** Describes the suite for one implementation. */
export function transportSuite(
  name: string,
  makeRig: (ids: readonly NodeId[]) => Promise<Rig>,
): void {
  describe(`Transport: ${name}`, () => {
    const ids = ['L1', 'L2', 'L3'] as NodeId[];
    let rig: Rig;
    let inbox: string[];

    beforeEach(async () => {
      rig = await makeRig(ids);
      inbox = [];
      for (const transport of rig.transports) {
        transport.onMessage((from, topic, bytes) => {
          inbox.push(`${from}>${transport.self} ${topic} ${Buffer.from(bytes).toString()}`);
          return 'accept';
        });
        transport.serveBlobs((digest) => Promise.resolve(digest === known ? heldBlob(blob) : null));
      }
      await rig.during(Promise.all(rig.transports.map((transport) => transport.start())));
      const allMeet = (): boolean => rig.transports.every((t) => t.peers().length === 2);
      expect(await rig.settle(allMeet)).to.equal(true);
    });

    afterEach(async () => {
      await rig.close();
    });

    async function collect(
      node: Transport,
      options: Partial<Parameters<Transport['fetch']>[2]> = {},
      digest = known,
      from = ids[1]!,
    ): Promise<Uint8Array> {
      const pieces: Uint8Array[] = [];
      const all = { offset: 0, length: null, maxBytes: blobBytes, ...options };
      for await (const piece of node.fetch(from, digest, all)) pieces.push(piece);
      return new Uint8Array(Buffer.concat(pieces));
    }

    async function codeOf(work: Promise<unknown>): Promise<string> {
      try {
        await rig.during(work);
        return 'done';
      } catch (error) {
        if (error instanceof TransportError) return error.code;
        throw error;
      }
    }

    it('broadcasts to all others and not to itself', async () => {
      rig.transports[0]!.broadcast('consensus', Buffer.from('hello'));
      expect(await rig.settle(() => inbox.length >= 2)).to.equal(true);
      expect(inbox.sort()).to.deep.equal(['L1>L2 consensus hello', 'L1>L3 consensus hello']);
    });

    it('sends to one, on every topic', async () => {
      const topics: Topic[] = ['consensus', 'updates', 'log', 'status'];
      for (const topic of topics) rig.transports[2]!.send(ids[0]!, topic, Buffer.from('x'));
      expect(await rig.settle(() => inbox.length >= 4)).to.equal(true);
      expect(inbox.sort()).to.deep.equal(topics.map((topic) => `L3>L1 ${topic} x`).sort());
    });

    it('hands over a blob, whole and from the middle', async () => {
      const [first] = rig.transports as [Transport];
      expect(Buffer.compare(await rig.during(collect(first)), blob)).to.equal(0);
      const rest = await rig.during(collect(first, { offset: 123_457 }));
      expect(Buffer.compare(rest, blob.subarray(123_457))).to.equal(0);
      const part = await rig.during(collect(first, { offset: 10, length: 100_000 }));
      expect(Buffer.compare(part, blob.subarray(10, 100_010))).to.equal(0);
    });

    it('says when a blob is not there, too large, or its holder unknown', async () => {
      const [first] = rig.transports as [Transport];
      expect(await codeOf(collect(first, {}, digestOfDigit('b')))).to.equal('not_found');
      expect(await codeOf(collect(first, { maxBytes: blobBytes - 1 }))).to.equal('too_large');
      const nobody = 'L9' as NodeId;
      expect(await codeOf(collect(first, {}, known, nobody))).to.equal('unreachable');
    });

    it('stops a fetch on demand', async () => {
      const abort = new AbortController();
      const work = collect(rig.transports[0]!, { signal: abort.signal });
      abort.abort();
      expect(await codeOf(work)).to.equal('interrupted');
    });

    it('counts bytes', async () => {
      await rig.during(collect(rig.transports[0]!));
      expect(rig.transports[0]!.stats().receivedBytes).to.be.at.least(blobBytes);
      expect(rig.transports[1]!.stats().sentBytes).to.be.at.least(blobBytes);
    });

    it('tells who is connected when one leaves', async () => {
      const seen: (readonly NodeId[])[] = [];
      rig.transports[0]!.onPeers((connected) => seen.push(connected));
      await rig.during(rig.transports[2]!.stop());
      expect(await rig.settle(() => rig.transports[0]!.peers().length === 1)).to.equal(true);
      expect(seen.at(-1)).to.deep.equal(['L2']);
    });

    it('hangs up on who is no member any more, and lets it in when it is one again', async () => {
      const [l1, l2, l3] = rig.transports as [Transport, Transport, Transport];
      const left = rig.members.slice(0, 2);
      const seen: (readonly NodeId[])[] = [];
      l1.onPeers((connected) => seen.push(connected));
      l1.setMembers(left);
      expect(l1.peers()).to.deep.equal(['L2']); // at once
      expect(seen).to.deep.equal([['L2']]);
      // L2 has not heard of it yet: nothing of L3 comes to L1, also not through L2.
      expect(await rig.settle(() => l3.peers().length === 1)).to.equal(true);
      l3.send(l1.self, 'log', Buffer.from('direct'));
      l3.broadcast('log', Buffer.from('to all'));
      expect(await rig.settle(() => inbox.includes('L3>L2 log to all'))).to.equal(true);
      l2.setMembers(left);
      expect(await rig.settle(() => l3.peers().length === 0)).to.equal(true);
      expect(await codeOf(collect(l3))).to.equal('unreachable');
      expect(await codeOf(collect(l1, {}, known, l3.self))).to.equal('unreachable');
      l1.broadcast('log', Buffer.from('still here'));
      expect(await rig.settle(() => inbox.includes('L1>L2 log still here'))).to.equal(true);
      expect(inbox.sort()).to.deep.equal(['L1>L2 log still here', 'L3>L2 log to all']);
      for (const one of [l1, l2]) one.setMembers(rig.members);
      const allMeet = (): boolean => rig.transports.every((t) => t.peers().length === 2);
      expect(await rig.settle(allMeet)).to.equal(true);
      l3.broadcast('log', Buffer.from('back'));
      expect(await rig.settle(() => inbox.includes('L3>L1 log back'))).to.equal(true);
    });

    it('lets a newcomer in', async () => {
      const [l1, l2, l3] = rig.transports as [Transport, Transport, Transport];
      for (const one of [l1, l2]) one.setMembers(rig.members.slice(0, 2));
      expect(await rig.settle(() => l3.peers().length === 0)).to.equal(true);
      // Members do not hear of it at the same moment.
      l1.setMembers(rig.members);
      expect(await rig.settle(() => l3.peers().length === 1)).to.equal(true);
      expect(l3.peers()).to.deep.equal(['L1']);
      l2.setMembers(rig.members);
      expect(await rig.settle(() => l3.peers().length === 2)).to.equal(true);
    });

    it('meets a member under its new key, and under no other', async () => {
      const [l1, l2] = rig.transports as [Transport, Transport];
      const { transport: l3, member } = await rig.renew(ids[2]!);
      l3.onMessage(() => 'accept');
      await rig.during(l3.start());
      const others = rig.members.slice(0, 2);
      // With the old key listed, the new one is a stranger's.
      l1.setMembers([...others, member]);
      expect(await rig.settle(() => l1.peers().length + l3.peers().length === 3)).to.equal(true);
      expect(l1.peers()).to.deep.equal(['L2', 'L3']);
      expect(l2.peers()).to.deep.equal(['L1']);
      expect(l3.peers()).to.deep.equal(['L1']);
      l2.setMembers([...others, member]);
      expect(await rig.settle(() => l3.peers().length === 2)).to.equal(true);
      l3.broadcast('log', Buffer.from('new key'));
      expect(await rig.settle(() => inbox.length === 2)).to.equal(true);
      expect(inbox.sort()).to.deep.equal(['L3>L1 log new key', 'L3>L2 log new key']);
    });

    it('speaks to nobody when it is no member itself', async () => {
      const [l1, l2, l3] = rig.transports as [Transport, Transport, Transport];
      const key = new Uint8Array(32).fill(77);
      for (const others of [[], [{ ...rig.members[0]!, transportKey: key }]]) {
        l1.setMembers([...others, ...rig.members.slice(1)]);
        expect(l1.peers()).to.deep.equal([]);
        expect(await rig.settle(() => l2.peers().length === 1)).to.equal(true);
        l1.setMembers(rig.members);
        const allMeet = (): boolean => [l1, l2, l3].every((t) => t.peers().length === 2);
        expect(await rig.settle(allMeet)).to.equal(true);
      }
    });
  });
}
