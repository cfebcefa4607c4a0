import { expect } from 'chai';
import type { Libp2pTransport } from '../../src/network/index.ts';
import type { Topic } from '../../src/wire/index.ts';
import { openMember, pass, testMembers, until } from './libp2p-cluster.ts';

const bytesEach = 20_000;
const count = 16;
/** News goes by gossip, votes from one to one where all are connected. */
const eachWay: readonly Topic[] = ['updates', 'consensus'];

describe('a broadcast', () => {
  let all: Libp2pTransport[] = [];
  const heard = new Map<string, Set<number>>();

  afterEach(async () => {
    await Promise.all(all.map(async (one) => one.stop()));
  });

  /** Three members; `hidden` ones listen nowhere, so that no two of them meet. */
  async function three(hidden: readonly number[]): Promise<Libp2pTransport[]> {
    const members = (await testMembers(3)).map((one, at) =>
      hidden.includes(at) ? { ...one, addresses: [] } : one,
    );
    all = await Promise.all(
      members.map((one, at) =>
        openMember(one, members, hidden.includes(at) ? { listen: null } : {}),
      ),
    );
    for (const one of all) {
      heard.set(one.self, new Set());
      one.onMessage((_from, _topic, bytes) => {
        heard.get(one.self)!.add(bytes[0]!);
        return 'accept';
      });
      await one.start();
    }
    return all;
  }

  async function broadcast(author: Libp2pTransport, topic: Topic): Promise<void> {
    for (const heardOf of heard.values()) heardOf.clear();
    for (let number = 0; number < count; number++) {
      author.broadcast(topic, new Uint8Array(bytesEach).fill(number));
      await pass(60); // below its rate
    }
    const others = all.filter((one) => one !== author);
    await until(
      () => others.every(({ self }) => heard.get(self)!.size === count),
      'everybody hears all',
    );
  }

  it('is passed on by nobody when its author is connected to all', async () => {
    const [author, ...others] = await three([]);
    await until(() => all.every((one) => one.peers().length === 2), 'all meet');
    const before = others.map((one) => one.stats().sentBytes);
    for (const topic of eachWay) await broadcast(author!, topic);
    await pass(500);
    others.forEach((one, at) => {
      const sent = one.stats().sentBytes - before[at]!;
      // Whoever passed one in eight on would send more.
      expect(sent, one.self).to.be.lessThan((eachWay.length * count * bytesEach) / 8);
    });
  });

  it('comes past a pair that is not connected', async () => {
    const [author] = await three([0, 1]);
    await until(() => all[2]!.peers().length === 2, 'both meet the one between them');
    await until(() => author!.peers().length === 1, 'and know it');
    expect(author!.peers()).to.deep.equal([all[2]!.self]);
    for (const topic of eachWay) await broadcast(author!, topic);
  });
});
