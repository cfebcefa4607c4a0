import { expect } from 'chai';
import type { NodeId } from '../../src/base/index.ts';
import { sayHello } from '../../src/network/hello-protocol.ts';
import { MemberDirectory, toMultiaddr } from '../../src/network/member-directory.ts';
import { consortium, fast, openMember, pass, testMembers, until } from './libp2p-cluster.ts';
import { startRogue } from './rogue-member.ts';
import { crossingPair, type CrossingPair } from './slow-doors.ts';

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
const numbersTo = (count: number): string[] => Array.from({ length: count }, (_, n) => String(n));

/** Sends a numbered message every other millisecond, from when `from` counts `to` as a peer on. */
async function chat(from: CrossingPair['nodes'][number], to: NodeId, count: number): Promise<void> {
  await until(() => from.peers().includes(to), `${from.self} meets ${to}`);
  for (const text of numbersTo(count)) {
    from.send(to, 'consensus', new Uint8Array(Buffer.from(text)));
    await pass(2);
  }
}

describe('two members that dial each other at once', () => {
  const closing: (() => Promise<unknown>)[] = [];

  afterEach(async () => {
    await Promise.all(closing.splice(0).map(async (close) => close()));
  });

  // Late by so many ms at the first and at the second door. A handshake takes several ways there and back.
  const delays = [0, 3, 10, 25, 60].flatMap((one) =>
    [0, 5, 25, 50].map((two) => [one, two] as const),
  );

  it('dial once each, end with one link and one connection for bulk beside it, and lose no message after they have met', async () => {
    for (const group of [0, 5, 10, 15]) {
      await Promise.all(
        delays.slice(group, group + 5).map(async (lateMs) => {
          const late = `late by ${lateMs.join(' and ')} ms`;
          const pair = await crossingPair(lateMs);
          closing.push(async () => pair.close());
          const { nodes, doors } = pair;
          const heard: string[][] = [[], []];
          const met = [0, 0];
          nodes.forEach((node, at) => {
            node.onMessage((_from, _topic, bytes) => (heard[at]!.push(textOf(bytes)), 'accept'));
            node.onPeers((connected) => (met[at]! += connected.length === 1 ? 1 : 10));
          });
          const alarms = new Set<string>();
          const watch = setInterval(() => {
            for (const [link] of nodes.map((node) => node.links())) {
              if (link?.problem != null) alarms.add(link.problem.reason);
            }
          }, 2);
          closing.push(() => {
            clearInterval(watch);
            return Promise.resolve();
          });
          await pair.start();
          await Promise.all([
            chat(nodes[0], nodes[1].self, 100),
            chat(nodes[1], nodes[0].self, 100),
          ]);
          await until(() => heard.every((texts) => texts.length >= 100), `messages, ${late}`);
          expect(heard, `messages, ${late}`).to.deep.equal([numbersTo(100), numbersTo(100)]);
          // Who dialled the one that stayed dials once more, for bulk.
          const open = (): number[] => doors.map((door) => door.open).sort();
          await until(() => open().join() === '0,2', `two connections of one of them, ${late}`);
          // Met once, never parted.
          expect(met, `meetings, ${late}`).to.deep.equal([1, 1]);
          expect([...alarms], `alarms, ${late}`).to.deep.equal([]);
          const [fewer, more] = [...doors].sort((one, two) => one.open - two.open);
          expect(fewer!.dials, `dials of the one, ${late}`).to.be.at.most(1);
          expect(more!.dials, `dials of the other, ${late}`).to.equal(2);
          // Gossip goes over the one that stayed.
          nodes[0].broadcast('status', new Uint8Array(Buffer.from('from one')));
          nodes[1].broadcast('status', new Uint8Array(Buffer.from('from two')));
          await until(() => heard.every((texts) => texts.length === 101), `gossip, ${late}`);
        }),
      );
      await Promise.all(closing.splice(0).map(async (close) => close()));
    }
  });

  it('did cross: with equal delays both dial', async () => {
    const pair = await crossingPair([50, 50]);
    closing.push(async () => pair.close());
    await pair.start();
    await until(() => pair.nodes.every((node) => node.peers().length === 1), 'the pair meets');
    const sorted = (of: 'dials' | 'open'): string =>
      pair.doors
        .map((door) => door[of])
        .sort()
        .join();
    await until(() => sorted('open') === '0,2', 'a link, and a connection for bulk');
    expect(sorted('dials')).to.equal('1,2');
  });

  /** A node that never dials, and how a bare host with the key of the other member dials it anew and says hello. */
  const withRogue = async (at: 0 | 1) => {
    const members = await testMembers(2);
    const node = await openMember(
      members[at]!,
      members.map((member) => ({ ...member, addresses: [] })),
    );
    const rogue = await startRogue(members[1 - at]!, members, fast);
    closing.push(async () => Promise.all([node.stop(), rogue.stop()]));
    await node.start();
    const { peerId } = new MemberDirectory(members).ofNode(node.self)!;
    const address = toMultiaddr(`127.0.0.1:${members[at]!.port}`);
    const dial = async () =>
      rogue.dial(address.encapsulate(`/p2p/${peerId.toString()}`), { force: true });
    return {
      ...{ node, rogue, dial },
      hello: async () => sayHello(await dial(), consortium, 5_000),
      connections: () => rogue.getConnections(peerId).length,
    };
  };

  for (const at of [0, 1] as const) {
    it(`do not hold many connections without a hello, L${at + 1}`, async () => {
      const { dial, connections } = await withRogue(at);
      for (let count = 0; count < 5; count++) await dial();
      await until(() => connections() === 1, 'the newest stays');
    });

    it(`meet afresh when one lost the connection and L${at + 1} did not notice`, async () => {
      const { node, rogue, hello, connections } = await withRogue(at);
      await hello();
      await until(() => node.peers().length === 1, 'they meet');
      await hello().catch(() => undefined);
      await until(() => node.peers().length + connections() === 0, 'both are hung up');
      await hello();
      await until(() => node.peers().length === 1 && connections() === 1, 'they meet again');
      let count = 0;
      rogue.services.gossip.addEventListener('message', () => (count += 1));
      node.broadcast('status', new Uint8Array(8));
      await until(() => count === 1, 'gossip is heard');
    });
  }
});
