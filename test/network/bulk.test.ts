/** Blobs in chunks over real connections: `gossip/content` on libp2p, as a peer uses them. */
import { createHash, randomBytes } from 'node:crypto';
import { expect } from 'chai';
import type { Digest } from '../../src/base/index.ts';
import { ContentStore } from '../../src/gossip/index.ts';
import type { Libp2pTransport } from '../../src/network/index.ts';
import { MemoryStore } from '../audit/memory-store.ts';
import { fast, openMember, testMembers, until } from './libp2p-cluster.ts';

const chunkBytes = 256 * 1024;

interface Node {
  readonly transport: Libp2pTransport;
  readonly content: ContentStore;
}

describe('bulk over libp2p', () => {
  const closing: (() => Promise<unknown>)[] = [];

  /** Members of which those in `hidden` listen nowhere and publish no address. */
  const start = async (count: number, hidden: readonly number[]): Promise<Node[]> => {
    const members = (await testMembers(count)).map((member, at) =>
      hidden.includes(at) ? { ...member, addresses: [] } : member,
    );
    const nodes = await Promise.all(
      members.map(async (member, at) => {
        const listen = hidden.includes(at) ? { listen: null } : {};
        const transport = await openMember(member, members, { settings: fast, ...listen });
        closing.push(async () => transport.stop());
        const content = new ContentStore(new MemoryStore(), transport);
        await transport.start();
        return { transport, content };
      }),
    );
    return nodes;
  };
  const meet = async (nodes: readonly Node[], expected: readonly number[]): Promise<void> => {
    const counts = (): number[] => nodes.map(({ transport }) => transport.peers().length);
    await until(() => counts().join() === expected.join(), `peers ${expected.join()}`);
  };
  const blobOf = (bytes: number): [Uint8Array, Digest] => {
    const blob = new Uint8Array(randomBytes(bytes));
    return [blob, createHash('sha256').update(blob).digest('hex') as Digest];
  };

  afterEach(async () => {
    await Promise.all(closing.splice(0).map(async (close) => close()));
  });

  it('flows both ways over connections that only one side could open', async () => {
    const nodes = await start(3, [2]);
    await meet(nodes, [2, 2, 2]);
    const [one, , lone] = nodes as [Node, Node, Node];
    expect(lone.transport.listenAddresses()).to.deep.equal([]);
    expect(lone.transport.links().map(({ direction }) => direction)).to.deep.equal([
      'outbound',
      'outbound',
    ]);
    const [up, upDigest] = blobOf(5_000_000);
    const [down, downDigest] = blobOf(5_000_000);
    await lone.content.put(up, null);
    await one.content.put(down, null);
    await Promise.all([
      one.content.obtain(upDigest, 5_000_000, lone.transport.self, null),
      lone.content.obtain(downDigest, 5_000_000, one.transport.self, null),
    ]);
    expect(await one.content.read(upDigest)).to.deep.equal(up);
    expect(await lone.content.read(downDigest)).to.deep.equal(down);
  });

  it('reaches two that can only dial through a member that has it', async () => {
    const nodes = await start(3, [1, 2]);
    await meet(nodes, [2, 1, 1]);
    const [middle, left, right] = nodes as [Node, Node, Node];
    const [blob, digest] = blobOf(3_000_000);
    await left.content.put(blob, null);
    const early = right.content.obtain(digest, 3_000_000, left.transport.self, null);
    expect(String(await early.catch((error: unknown) => error))).to.match(/not_found/);
    await middle.content.obtain(digest, 3_000_000, left.transport.self, null);
    await right.content.obtain(digest, 3_000_000, left.transport.self, null);
    expect(await right.content.read(digest)).to.deep.equal(blob);
  });

  it('comes from several at once, each chunk once, and goes on where one of them dies', async () => {
    const nodes = await start(4, []);
    await meet(nodes, [3, 3, 3, 3]);
    const [blob, digest] = blobOf(40 * chunkBytes + 1);
    const [lack, ...holders] = nodes as [Node, ...Node[]];
    for (const { content } of holders) await content.put(blob, null);
    const before = holders.map(({ transport }) => transport.stats().sentBytes);
    const work = lack.content.obtain(digest, 50 * chunkBytes, null, null);
    await until(() => lack.content.counts().arrived >= 8, 'some of it came');
    await holders[0]!.transport.stop();
    await work;
    expect(await lack.content.read(digest)).to.deep.equal(blob);
    expect(lack.content.counts()).to.include({ arrived: 41, askedAgain: 0, refused: 0 });
    const sent = holders.map(({ transport }, at) => transport.stats().sentBytes - before[at]!);
    for (const bytes of sent) expect(bytes).to.be.greaterThan(4 * chunkBytes);
  });
});
