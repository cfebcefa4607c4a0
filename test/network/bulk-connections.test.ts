/** The connection for bulk beside a link: what it carries, and what does not go over it. */
import { createHash, randomBytes } from 'node:crypto';
import type { Connection, Stream } from '@libp2p/interface';
import { expect } from 'chai';
import { concatBytes, fromHex, type Digest } from '../../src/base/index.ts';
import { sayHello } from '../../src/network/hello-protocol.ts';
import type { Libp2pTransport } from '../../src/network/index.ts';
import { MemberDirectory, toMultiaddr } from '../../src/network/member-directory.ts';
import { heldBlob } from '../wire/held-blob.ts';
import {
  consortium,
  fast,
  openMember,
  otherConsortium,
  pass,
  testMembers,
  until,
} from './libp2p-cluster.ts';
import { startRogue } from './rogue-member.ts';
import { crossingPair, type CrossingPair, type SlowDoor } from './slow-doors.ts';

const bulkProtocol = '/annulus/bulk/1.0.0';
const blob = new Uint8Array(randomBytes(3_000_000));
const digest = createHash('sha256').update(blob).digest('hex') as Digest;

async function fetched(at: Libp2pTransport, from: Libp2pTransport): Promise<number> {
  let size = 0;
  const range = { offset: 0, length: null, maxBytes: blob.byteLength };
  for await (const piece of at.fetch(from.self, digest, range)) size += piece.byteLength;
  return size;
}

describe('the connection for bulk beside a link', () => {
  const closing: (() => Promise<unknown>)[] = [];

  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  describe('of two nodes', () => {
    let pair: CrossingPair;
    let nodes: readonly [Libp2pTransport, Libp2pTransport];
    /** Of the one that is dialled. */
    let door: SlowDoor;
    let parted: number;

    const bothStand = async (): Promise<void> => {
      await until(() => door.open === 2, 'link and connection for bulk stand');
      // Both sides know it once they have said hello on it.
      await pass(100);
    };
    /** Bytes of each dial while both nodes fetch the blob of the other. */
    const carriedBy = async (): Promise<number[]> => {
      const before = [...door.carried];
      const [one, two] = nodes;
      expect(await Promise.all([fetched(one, two), fetched(two, one)])).to.deep.equal([3e6, 3e6]);
      return door.carried.map((bytes, dial) => bytes - (before[dial] ?? 0));
    };

    beforeEach(async () => {
      pair = await crossingPair([0, 0]);
      closing.push(async () => pair.close());
      ({ nodes } = pair);
      parted = 0;
      for (const node of nodes) {
        node.serveBlobs((wanted) => Promise.resolve(wanted === digest ? heldBlob(blob) : null));
        node.onPeers((connected) => (parted += connected.length === 0 ? 1 : 0));
      }
      await pair.start();
      await until(
        () => pair.doors.some(({ open }) => open === 2),
        'two connections through one door',
      );
      door = pair.doors.find(({ open }) => open === 2)!;
      await bothStand();
      await until(() => nodes.every((node) => node.peers().length === 1), 'they meet');
    });

    it('carries all of it, both ways, whoever dialled', async () => {
      const [link = 0, bulk = 0] = await carriedBy();
      expect(bulk).to.be.greaterThan(6e6);
      expect(link).to.be.below(50_000);
    });

    it('is dialled again when it is lost, and the two do not part', async () => {
      door.cut(1);
      await until(() => door.dials === 3, 'it is dialled again');
      await bothStand();
      const [link = 0, , bulk = 0] = await carriedBy();
      expect(bulk).to.be.greaterThan(6e6);
      expect(link).to.be.below(50_000);
      expect(parted).to.equal(0);
    });

    it('ends with its link', async () => {
      door.cut(0);
      await until(() => parted === 2, 'both notice');
      await until(() => nodes.every((node) => node.peers().length === 1), 'they meet again');
      // Whoever dials first now.
      await until(() => pair.doors.some(({ open }) => open === 2), 'two connections again');
      await carriedBy();
    });
  });

  describe('that a member opens', () => {
    /** A node that never dials, and connections of a bare host with another member's key, the first with a hello. */
    const world = async () => {
      const members = await testMembers(2);
      const quiet = members.map((member) => ({ ...member, addresses: [] }));
      const settings = { ...fast, helloTimeoutMs: 500 };
      const node = await openMember(members[0]!, quiet, { settings });
      node.serveBlobs((wanted) => Promise.resolve(wanted === digest ? heldBlob(blob) : null));
      const heard: string[] = [];
      node.onMessage(
        (_from, _topic, bytes) => (heard.push(Buffer.from(bytes).toString()), 'accept'),
      );
      const rogue = await startRogue(members[1]!, members, fast);
      closing.push(async () => Promise.all([node.stop(), rogue.stop()]));
      await node.start();
      const { peerId } = new MemberDirectory(members).ofNode(node.self)!;
      const address = toMultiaddr(`127.0.0.1:${members[0]!.port}`);
      const dial = async (): Promise<Connection> =>
        rogue.dial(address.encapsulate(`/p2p/${peerId.toString()}`), { force: true });
      const link = await dial();
      await sayHello(link, consortium, 5_000);
      await until(() => node.peers().length === 1, 'they meet');
      return { node, heard, dial, link };
    };
    /** Sends `bytes` and ends our side; the other may have reset the stream by then. */
    const say = async (stream: Stream, bytes: Uint8Array): Promise<void> => {
      try {
        stream.send(bytes);
        await stream.close();
      } catch (error) {
        expect(stream.status, String(error)).not.to.equal('open');
      }
    };
    /** How many bytes come for the blob's first thousand; 0 when the stream is reset. */
    const ask = async (connection: Connection): Promise<number> => {
      const stream = await connection.newStream('/annulus/update/1.0.0');
      let size = 0;
      stream.addEventListener('message', ({ data }) => (size += data.byteLength));
      const range = Uint8Array.from({ length: 16 }, (_, at) => [0x03, 0xe8][at - 14] ?? 0);
      await say(stream, concatBytes(fromHex(digest)!, range));
      const isOver = (): boolean => !['open', 'closing'].includes(stream.status);
      await until(isOver, 'the stream ends');
      return size;
    };
    const hello = async (connection: Connection, cid = consortium): Promise<unknown> =>
      sayHello(connection, cid, 5_000, bulkProtocol);

    it('gives blobs after a hello of its own, at once', async () => {
      const { dial } = await world();
      const connection = await dial();
      await hello(connection);
      // 9 bytes of the head of the answer.
      expect(await ask(connection)).to.equal(1_009);
    });

    it('gives none before, and is closed when none comes in time', async () => {
      const { dial, link } = await world();
      const connection = await dial();
      expect(await ask(connection)).to.equal(0);
      await until(() => connection.status !== 'open', 'it is closed');
      expect(await ask(link)).to.equal(1_009);
    });

    it('gives none after the hello of another consortium', async () => {
      const { dial } = await world();
      const connection = await dial();
      expect(await hello(connection, otherConsortium)).to.equal('other consortium');
      expect(await ask(connection)).to.equal(0);
      await until(() => connection.status !== 'open', 'it is closed');
    });

    it('carries no messages', async () => {
      const { dial, link, heard } = await world();
      const connection = await dial();
      await hello(connection);
      for (const [on, text] of [
        [connection, 'b'],
        [link, 'l'],
      ] as const) {
        const stream = await on.newStream('/annulus/message/1.0.0');
        await say(stream, Uint8Array.of(2, 4, text.charCodeAt(0)));
      }
      await until(() => heard.length > 0, 'what came over the link');
      await pass(100);
      expect(heard).to.deep.equal(['l']);
    });

    it('is one: the newest with a hello', async () => {
      const { dial, link } = await world();
      const first = await dial();
      await hello(first);
      // Until it is no more closed for the want of one.
      await pass(600);
      const newer = await dial();
      await hello(newer);
      await until(() => first.status !== 'open', 'the first is closed');
      expect(await ask(newer)).to.equal(1_009);
      expect(link.status).to.equal('open');
    });

    it('is closed with its link', async () => {
      const { dial, link, node } = await world();
      const connection = await dial();
      await hello(connection);
      link.abort(new Error('cut'));
      await until(() => connection.status !== 'open', 'it is closed');
      expect(node.peers()).to.deep.equal([]);
    });
  });
});
