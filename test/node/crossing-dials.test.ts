import { expect } from 'chai';
import type { NodeId } from '../../src/base/index.ts';
import { multiaddr } from '@multiformats/multiaddr';
import { peerIdFromPublicKey } from '@libp2p/peer-id';
import { ownTransportKey } from '../../src/node/member-directory.ts';
import { fast, openMember, pass, testMembers, until } from './libp2p-cluster.ts';
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

  it('dial once each, end with one connection, and lose no message after they have met', async () => {
    for (const group of [0, 5, 10, 15]) {
      await Promise.all(
        delays.slice(group, group + 5).map(async (lateMs) => {
          const members = await testMembers(2);
          const pair = await crossingPair([members[0]!, members[1]!], lateMs);
          closing.push(async () => pair.close());
          const { nodes, doors } = pair;
          const heard: string[][] = [[], []];
          const met = [0, 0];
          nodes.forEach((node, at) => {
            node.onMessage((_from, _topic, bytes) => (heard[at]!.push(textOf(bytes)), 'accept'));
            node.onPeers((connected) => (met[at]! += connected.length === 1 ? 1 : 10));
          });
          await Promise.all(nodes.map(async (node) => node.start()));
          await Promise.all([
            chat(nodes[0], nodes[1].self, 100),
            chat(nodes[1], nodes[0].self, 100),
          ]);
          await until(
            () => heard.every((texts) => texts.length >= 100),
            `messages, late ${lateMs}`,
          );
          expect(heard, `messages, late ${lateMs}`).to.deep.equal([numbersTo(100), numbersTo(100)]);
          await until(() => doors[0].open + doors[1].open === 1, `one connection, late ${lateMs}`);
          // Met once, never parted.
          expect(met, `meetings, late ${lateMs}`).to.deep.equal([1, 1]);
          expect(doors[0].dials, `dials of the second, late ${lateMs}`).to.be.at.most(1);
          expect(doors[1].dials, `dials of the first, late ${lateMs}`).to.be.at.most(1);
          // Gossip goes over the one that stayed.
          nodes[0].broadcast('status', new Uint8Array(Buffer.from('from one')));
          nodes[1].broadcast('status', new Uint8Array(Buffer.from('from two')));
          await until(() => heard.every((texts) => texts.length === 101), `gossip, late ${lateMs}`);
        }),
      );
      await Promise.all(closing.splice(0).map(async (close) => close()));
    }
  });

  it('did cross: with equal delays both dial', async () => {
    const members = await testMembers(2);
    const pair = await crossingPair([members[0]!, members[1]!], [50, 50]);
    closing.push(async () => pair.close());
    await Promise.all(pair.nodes.map(async (node) => node.start()));
    await until(() => pair.nodes.every((node) => node.peers().length === 1), 'the pair meets');
    expect(pair.doors.map((door) => door.dials)).to.deep.equal([1, 1]);
    await until(() => pair.doors[0].open + pair.doors[1].open === 1, 'one connection');
  });

  it('do not let one hold more than three connections to the other', async () => {
    const members = await testMembers(2);
    for (const at of [0, 1]) {
      const node = await openMember(members[at]!, members);
      const rogue = await startRogue(members[1 - at]!, members, fast);
      closing.push(async () => Promise.all([node.stop(), rogue.stop()]));
      await node.start();
      const self = (await ownTransportKey(members[at]!.id, members, members[at]!.seed)).publicKey;
      const peer = peerIdFromPublicKey(self);
      const address = multiaddr(`/ip4/127.0.0.1/tcp/${members[at]!.port}/p2p/${peer.toString()}`);
      for (let dial = 0; dial < 10; dial++)
        await rogue.dial(address, { force: true }).catch(() => undefined);
      await until(() => rogue.getConnections(peer).length <= 3, 'three stay at most');
      await Promise.all(closing.splice(0).map(async (close) => close()));
    }
  });
});
