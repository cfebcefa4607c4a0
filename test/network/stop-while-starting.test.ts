import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'chai';
import { openMember, testMembers } from './libp2p-cluster.ts';

/** Whether somebody listens there. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => {
      resolve(false);
    });
  });
}

describe('a transport that is stopped while it starts', () => {
  for (const waitMs of [0, 1, 5]) {
    it(`listens nowhere afterwards: ${waitMs} ms after its start`, async () => {
      const members = await testMembers(2);
      const transport = await openMember(members[0]!, members);
      const starting = transport.start();
      if (waitMs > 0) await pause(waitMs);
      await transport.stop();
      await starting;
      expect(await answers(members[0]!.port)).equal(false);
      expect(transport.listenAddresses()).deep.equal([]);
    });
  }

  it('would be heard otherwise', async () => {
    const members = await testMembers(2);
    const transport = await openMember(members[0]!, members);
    await transport.start();
    expect(await answers(members[0]!.port)).equal(true);
    await transport.stop();
    expect(await answers(members[0]!.port)).equal(false);
  });
});
