import { expect } from 'chai';

import { parseDigest, seededRandom, type NodeId } from '../../src/base/index.ts';
import { virtualClock, type VirtualClock } from '../../src/simulate/virtual-clock.ts';
import {
  virtualNetwork,
  type NetworkFaults,
  type VirtualNetwork,
} from '../../src/simulate/virtual-network.ts';
import { limits, TransportError, type Transport } from '../../src/wire/index.ts';
import { heldBlob } from '../wire/held-blob.ts';
import { transportSuite } from '../wire/transport-suite.ts';

transportSuite('virtual', (ids) => {
  const clock = virtualClock();
  const network = virtualNetwork({ clock, random: seededRandom('suite') });
  const run = async (isDone: () => boolean): Promise<boolean> => clock.runUntil(isDone);
  const members = ids.map((id, at) => ({
    ...{ id, transportKey: new Uint8Array(32).fill(at + 1), addresses: [] },
  }));
  return Promise.resolve({
    transports: members.map(({ id, transportKey }) => {
      const transport = network.join(id, undefined, transportKey);
      transport.setMembers(members);
      return transport;
    }),
    members,
    renew: (id) => {
      const member = { id, transportKey: new Uint8Array(32).fill(99), addresses: [] };
      const transport = network.join(id, undefined, member.transportKey);
      transport.setMembers([...members.filter((one) => one.id !== id), member]);
      return Promise.resolve({ transport, member });
    },
    settle: run,
    during: async (work) => {
      let isSettled = false;
      const note = (): void => {
        isSettled = true;
      };
      work.then(note, note);
      await run(() => isSettled);
      return work;
    },
    close: () => Promise.resolve(),
  });
});

describe('virtualNetwork', () => {
  const ids = ['L1', 'L2', 'L3', 'L4'] as NodeId[];
  const [l1, l2, l3, l4] = ids as [NodeId, NodeId, NodeId, NodeId];
  let clock: VirtualClock;
  let network: VirtualNetwork;
  let nodes: Map<NodeId, Transport>;
  let inbox: string[];

  async function setUp(faults: Partial<NetworkFaults> = {}, seed = 'network'): Promise<void> {
    clock = virtualClock();
    network = virtualNetwork({ clock, random: seededRandom(seed), faults });
    inbox = [];
    nodes = new Map();
    for (const id of ids) {
      const node = network.join(id);
      node.onMessage((from, _topic, bytes) => {
        inbox.push(`${from}>${id} ${Buffer.from(bytes).toString()} @${Math.floor(clock.nowMs())}`);
        return 'accept';
      });
      await node.start();
      nodes.set(id, node);
    }
  }
  const node = (id: NodeId): Transport => nodes.get(id)!;
  const say = (id: NodeId, text: string): void => {
    node(id).broadcast('status', Buffer.from(text));
  };

  it('delays within its bounds', async () => {
    await setUp({ latencyMsMin: 10, latencyMsMax: 20 });
    for (let i = 0; i < 20; i++) say(l1, 'a');
    await clock.advance(9.9);
    expect(inbox).to.deep.equal([]);
    await clock.advance(10.2);
    expect(inbox).to.have.length(60);
  });

  it('gives the same run for the same seed', async () => {
    const runs: string[][] = [];
    for (const seed of ['one', 'one', 'two']) {
      await setUp({ dropRate: 0.3, duplicateRate: 0.3, latencyMsMax: 500 }, seed);
      for (let i = 0; i < 20; i++) say(ids[i % 4]!, String(i));
      await clock.advance(1000);
      runs.push(inbox);
    }
    expect(runs[0]).to.deep.equal(runs[1]);
    expect(runs[0]).to.not.deep.equal(runs[2]);
  });

  it('drops and repeats about as often as told', async () => {
    await setUp({ dropRate: 0.25 });
    for (let i = 0; i < 1000; i++) node(l1).send(l2, 'log', Buffer.from('x'));
    await clock.advance(100);
    // Binomial(1000, 3/4): mean 750, standard deviation 13.7; five deviations.
    expect(inbox.length).to.be.within(682, 818);
    await setUp({ duplicateRate: 0.25 });
    for (let i = 0; i < 1000; i++) node(l1).send(l2, 'log', Buffer.from('x'));
    await clock.advance(100);
    expect(inbox.length).to.be.within(1182, 1318);
  });

  it('splits into groups and heals', async () => {
    await setUp();
    network.partition([[l1, l2], [l3]]);
    expect(node(l1).peers()).to.deep.equal([l2]);
    expect(node(l4).peers()).to.deep.equal([]);
    for (const id of ids) say(id, 'split');
    await clock.advance(100);
    expect(inbox.map((line) => line.slice(0, 5)).sort()).to.deep.equal(['L1>L2', 'L2>L1']);
    network.partition(null);
    expect(node(l4).peers()).to.deep.equal([l1, l2, l3]);
  });

  it('loses what was under way to a killed node, also when it comes back', async () => {
    await setUp();
    say(l1, 'lost');
    network.kill(l2);
    say(l2, 'unheard');
    network.revive(l2);
    await clock.advance(100);
    expect(inbox.map((line) => line.slice(0, 10)).sort()).to.deep.equal([
      'L1>L3 lost',
      'L1>L4 lost',
    ]);
    say(l2, 'back');
    await clock.advance(100);
    expect(inbox).to.have.length(5);
  });

  it('replaces the end of a node that joins again', async () => {
    await setUp();
    const former = node(l1);
    const next = network.join(l1);
    await next.start();
    former.broadcast('status', Buffer.from('ghost'));
    next.broadcast('status', Buffer.from('new'));
    await clock.advance(100);
    expect(inbox).to.have.length(3);
    expect(inbox.every((line) => line.includes('new'))).to.equal(true);
  });

  it('breaks a fetch when its holder dies in the middle', async () => {
    await setUp();
    const bytes = new Uint8Array(1_000_000);
    node(l2).serveBlobs(() => Promise.resolve(heldBlob(bytes)));
    const digest = parseDigest('c'.repeat(64))!;
    let received = 0;
    let code = '';
    const work = (async () => {
      const options = { offset: 0, length: null, maxBytes: 1_000_000 };
      for await (const piece of node(l1).fetch(l2, digest, options)) {
        received += piece.byteLength;
        if (received > 200_000) network.kill(l2);
      }
    })().catch((error: unknown) => {
      code = error instanceof TransportError ? error.code : String(error);
    });
    await clock.advance(10_000);
    await work;
    expect(code).to.equal('interrupted');
    expect(received).to.be.within(200_001, 300_000);
  });

  it('delivers what was sent, whatever its sender does with the bytes later', async () => {
    await setUp();
    const seen: number[] = [];
    for (const id of [l2, l3]) {
      node(id).onMessage((_from, _topic, bytes) => (seen.push(bytes[0]!), 'accept'));
    }
    const message = new Uint8Array([7]);
    node(l1).broadcast('log', message);
    message[0] = 5;
    await clock.advance(100);
    expect(seen).to.deep.equal([7, 7]);
  });

  it('carries no message above the limit', async () => {
    await setUp();
    const sizes: number[] = [];
    node(l2).onMessage((_from, _topic, bytes) => (sizes.push(bytes.byteLength), 'accept'));
    const bytesMax = limits.topicBytesMax.log;
    for (const size of [bytesMax, bytesMax + 1]) node(l1).send(l2, 'log', new Uint8Array(size));
    await clock.advance(100);
    expect(sizes).to.deep.equal([bytesMax]);
  });
});
