/** What a peer answers to one that asks too often. */
import { expect } from 'chai';
import { utf8, type Height, type NodeId, type RoundNumber } from '../../src/base/index.ts';
import { digestOf } from '../../src/crypto/index.ts';
import { writePeerMessage } from '../../src/peer/peer-messages.ts';
import { PeerNetwork } from './peer-network.ts';

describe('a peer that is asked', () => {
  it('helps a member with its seal once a tick, however often that says it lacks one', async () => {
    const participants = ['L1', 'L2', 'L3', 'L4'] as NodeId[];
    const stages = [{ id: 'student', participants, rounds: 1 }];
    const world = new PeerNetwork({ members: 4, stages });
    await world.start();
    expect(await world.runUntilDone()).to.equal(true);
    const { transport } = world.node('L1');
    let helped = 0;
    const send = transport.send.bind(transport);
    transport.send = (to, topic, bytes): void => {
      if (to === 'L4' && topic === 'log') helped += 1;
      send(to, topic, bytes);
    };
    const status = {
      t: 'status',
      h: 3 as Height,
      r: 1 as RoundNumber,
      s: 0,
      at: 0,
      code: digestOf(utf8('x')),
      m: 0,
    } as const;
    const [topic, bytes] = writePeerMessage(status);
    // 500 in ten seconds; a tick is one second.
    for (let n = 0; n < 500; n++) {
      world.node('L4').transport.send('L1' as NodeId, topic, bytes);
      await world.clock.advance(20);
    }
    expect(helped).to.be.within(9, 11);
  });
});
