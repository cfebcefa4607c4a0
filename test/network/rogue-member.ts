/** A member with a valid key that does as the test says: a bare libp2p host. */
import type { Digest } from '../../src/base/index.ts';
import { ByteCounter } from '../../src/network/byte-counter.ts';
import { answerHello } from '../../src/network/hello-protocol.ts';
import type { NetworkSettings } from '../../src/network/index.ts';
import { createHost, type Host } from '../../src/network/libp2p-host.ts';
import {
  MemberDirectory,
  ownTransportKey,
  toMultiaddr,
} from '../../src/network/member-directory.ts';
import { gossipTopic, helloProtocol } from '../../src/network/protocol-ids.ts';
import { topics } from '../../src/wire/index.ts';
import { consortium, type TestMember } from './libp2p-cluster.ts';

/** Starts one; it answers hellos properly and is subscribed to everything. */
export async function startRogue(
  member: TestMember,
  members: readonly TestMember[],
  settings: NetworkSettings,
  cid: Digest = consortium,
): Promise<Host> {
  const rogue = await createHost({
    consortium: cid,
    directory: new MemberDirectory(members),
    privateKey: await ownTransportKey(member.id, members, member.seed),
    listen: toMultiaddr(`127.0.0.1:${member.port}`),
    counter: new ByteCounter(),
    settings,
  });
  await rogue.handle(helloProtocol, async (stream) => {
    await answerHello(stream, cid, 5_000);
  });
  await rogue.start();
  for (const topic of topics) rogue.services.gossip.subscribe(gossipTopic(cid, topic));
  return rogue;
}
