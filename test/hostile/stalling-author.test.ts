/** A member that announces blobs and never gives them: whoever waits for it goes on beating, voting and keeping time. */
import { expect } from 'chai';
import type { NodeId } from '../../src/base/index.ts';
import { PeerNetwork } from '../peer/peer-network.ts';

describe('a peer that asks a stalling member for blobs', () => {
  it('beats on while it waits: it is not called silent for the fault of another', async () => {
    const participants = ['L1', 'L2', 'L3'] as NodeId[];
    const stages = [{ id: 'student', participants, rounds: 2 }];
    const world = new PeerNetwork({ members: 4, stages });
    await world.start();
    await world.crash('L4');
    expect(await world.runUntilDone(participants)).to.equal(true);
    // L1 is the first whom L4 asks for what it missed; it answers no request any more.
    world.node('L1').transport.serveBlobs(() => new Promise(() => undefined));
    await world.restart('L4');
    const { transport } = world.node('L4');
    const beatsMs: number[] = [world.clock.nowMs()];
    const broadcast = transport.broadcast.bind(transport);
    transport.broadcast = (topic, bytes): void => {
      if (topic === 'status') beatsMs.push(world.clock.nowMs());
      broadcast(topic, bytes);
    };
    await world.clock.advance(60_000);
    beatsMs.push(world.clock.nowMs());
    const pauses = beatsMs.slice(1).map((ms, at) => ms - (beatsMs[at] ?? 0));
    // A tick is a second.
    expect(Math.max(...pauses), 'longest time without a heartbeat, ms').to.be.at.most(3_000);
  });
});
