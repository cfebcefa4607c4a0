/** What an operator hands in is answered, whatever becomes of the peer meanwhile. */
import { expect } from 'chai';
import type { NodeId } from '../../src/base/index.ts';
import { PeerError, type Submission } from '../../src/peer/index.ts';
import { signSuccessor } from '../../src/simulate/members.ts';
import { PeerNetwork } from './peer-network.ts';

const ids = ['L1', 'L2', 'L3', 'L4'];

/** A running consortium of four, and the next version of its manifest. */
async function running(): Promise<{ readonly world: PeerNetwork; readonly next: Uint8Array }> {
  const stages = [{ id: 'student', participants: ids as NodeId[], rounds: 2 }];
  const world = new PeerNetwork({ members: 4, stages });
  const { manifest, digest } = world.consortium;
  const orgs = ids.map((id) => world.node(id).member.keys.org);
  const changes = { version: 1, prev: digest, limits: { updateBytesMax: 90_000 } };
  const next = signSuccessor({ ...manifest, ...changes }, orgs);
  await world.start();
  return { world, next };
}

/** How the submission ended, after so much virtual time; null when it did not. */
async function outcome(world: PeerNetwork, work: Promise<Submission>): Promise<unknown> {
  let said: unknown = null;
  work.then(
    ({ kind }) => (said = kind),
    (error: unknown) => (said = error),
  );
  await world.clock.advance(1_000);
  return said;
}

describe('a version that is handed in', () => {
  it('waits for its turn', async () => {
    const { world, next } = await running();
    expect(await outcome(world, world.node('L1').peer.submit(next))).equal('pending');
  });

  it('is answered with the error when the disk fails over it, and the peer stops for that', async () => {
    const { world, next } = await running();
    const { peer, store, failures } = world.node('L1');
    store.writesLeft = 0;
    const said = await outcome(world, peer.submit(next));
    expect(String(said)).contain('the disk is gone');
    expect(failures.map(String).join()).contain('the disk is gone');
  });

  it('is refused when the peer stops before its turn comes', async () => {
    const { world, next } = await running();
    const { peer } = world.node('L1');
    const work = peer.submit(next);
    void peer.stop();
    const said = await outcome(world, work);
    expect(said).instanceOf(PeerError);
    expect((said as PeerError).code).equal('not_running');
  });

  it('is refused when the peer stops over something else before its turn comes', async () => {
    const { world, next } = await running();
    const { peer, store } = world.node('L1');
    store.writesLeft = 0;
    const [first, second] = await Promise.all([
      outcome(world, peer.submit(next)),
      outcome(world, peer.submit(next)),
    ]);
    expect(String(first)).contain('the disk is gone');
    expect(second).instanceOf(PeerError);
  });
});
