import { expect } from 'chai';
import type { NodeId } from '../../src/base/index.ts';
import { systemCrypto } from '../../src/crypto/index.ts';
import { ContentStore } from '../../src/gossip/index.ts';
import { BlockNews } from '../../src/peer/block-news.ts';
import type { PeerEvent } from '../../src/peer/index.ts';
import { recover, type RecoveryOptions } from '../../src/peer/recovery.ts';
import { PeerNetwork, type ToyNode } from './peer-network.ts';

const ids = ['L1', 'L2', 'L3', 'L4'] as NodeId[];

describe('recovery of a peer', () => {
  let world: PeerNetwork;
  let node: ToyNode;

  before(async () => {
    world = new PeerNetwork({
      members: 4,
      stages: [{ id: 'student', participants: ids, rounds: 3 }],
    });
    await world.start();
    expect(await world.runUntilDone()).to.equal(true);
    node = world.node('L1');
    await node.peer.stop();
  });

  const recovered = (
    onBlock: RecoveryOptions['onBlock'] = null,
    content = new ContentStore(node.store, node.transport),
  ): ReturnType<typeof recover> => {
    const { consortium, clock } = world;
    const { id: self, keys } = node.member;
    const { verify, verifyBytes } = systemCrypto;
    return recover({
      store: node.store,
      logger: { log: () => undefined },
      content,
      log: {
        ...{ consortium, self, clock, verify: verifyBytes },
        ...{ logSigner: keys.log, witnessSigner: keys.witness },
      },
      ...{ verify, onBlock, consensusKey: keys.consensus.publicKey, refusalOf: () => null },
    });
  };

  it('finds the chain where the peer left it, and shows every block to who asks', async () => {
    const { state } = node.peer;
    // Three rounds: OPEN, three times CUT, SEAL with the next OPEN or with nothing.
    expect(state.height).to.equal(7);
    expect((await recovered()).state).to.deep.equal(state);
    const heights: number[] = [];
    const all = await recovered((before, body) => {
      expect(body.h).to.equal(before.height + 1);
      heights.push(body.h);
      return Promise.resolve();
    });
    expect(all.state).to.deep.equal(state);
    expect(heights).to.deep.equal([1, 2, 3, 4, 5, 6, 7]);
    expect(all.isRetired).to.equal(false);
  });

  it('tells from the disk what the peer told when it happened', async () => {
    const told: PeerEvent[] = [];
    const content = new ContentStore(node.store, node.transport);
    // Of old rounds the log alone has the envelopes.
    for (const [name, bytes] of node.store.files) {
      if (name.startsWith('blobs/') && bytes[0] === '{'.charCodeAt(0)) {
        node.store.files.delete(name);
      }
    }
    const news = new BlockNews({
      content,
      verifyBytes: systemCrypto.verifyBytes,
      logger: { log: () => undefined },
      onEvent: (event) => told.push(event),
    });
    await recovered(
      (before, body, versions) => news.tell(before, body, versions, () => undefined),
      content,
    );
    const kinds = ['opened', 'cut', 'sealed', 'void'];
    const live = node.events.filter(({ kind }) => kinds.includes(kind));
    expect(told).to.deep.equal(live);
    const sealed = told.filter((event) => event.kind === 'sealed');
    expect(sealed).to.have.length(3);
    for (const { participants } of sealed) {
      expect(participants.map(({ metricsMilli }) => metricsMilli.loss)).to.deep.equal([
        ...[1500, 1500, 1500, 1500],
      ]);
      expect(participants.every(({ updateBytes }) => updateBytes > 0)).to.equal(true);
    }
  });
});
