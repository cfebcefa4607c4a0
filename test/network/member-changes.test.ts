/** What only the real network has to do when its members change; the rest is in `transportSuite`. */
import { expect } from 'chai';
import type { Libp2pTransport } from '../../src/network/index.ts';
import { fast, openMember, pass, testMembers, until } from './libp2p-cluster.ts';

const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));

describe('libp2p transport whose members change', () => {
  const open: Libp2pTransport[] = [];
  const start = async (...args: Parameters<typeof openMember>): Promise<Libp2pTransport> => {
    const transport = await openMember(...args);
    open.push(transport);
    await transport.start();
    return transport;
  };

  afterEach(async () => {
    await Promise.all(open.splice(0).map(async (transport) => transport.stop()));
  });

  it('dials a member that moved where it is now, without waiting for its turn', async () => {
    const members = await testMembers(2);
    // Pauses between dials are longer than this test may take.
    const changes = { settings: { ...fast, redialMsMin: 60_000, redialMsMax: 60_000 } };
    const nowhere = members.map((member) => ({ ...member, addresses: ['127.0.0.1:9'] }));
    const [one, two] = [
      await start(members[0]!, nowhere, changes),
      await start(members[1]!, nowhere, changes),
    ];
    await pass(300);
    expect([...one.peers(), ...two.peers()]).to.deep.equal([]);
    one.setMembers(members);
    two.setMembers(members);
    await until(() => one.peers().length + two.peers().length === 2, 'they meet', 8_000);
  });

  it('keeps an address that was learned until the list has another, and leaves out what is none', async () => {
    const members = await testMembers(2);
    const listed = members.map((member) => ({ ...member, addresses: ['/no/address'] }));
    const one = await start(members[0]!, members);
    const two = await start(members[1]!, members);
    one.setMembers(listed);
    two.setMembers(listed);
    for (const { id, addresses } of members) {
      one.learnAddresses(id, addresses);
      two.learnAddresses(id, addresses);
    }
    one.setMembers(listed.slice(0, 1));
    await until(() => two.peers().length === 0, 'they part');
    one.setMembers(listed);
    // One forgot where two is; two still knows where one is, whatever list it is given again.
    two.setMembers(listed);
    await until(() => one.peers().length + two.peers().length === 2, 'they meet');
  });

  it('blames no relay for a few broadcasts of an author that it does not know itself', async () => {
    const members = await testMembers(3);
    const [one, two, three] = await Promise.all(
      members.map(async (member) => start(member, members)),
    );
    const meet = (): boolean => [one, two, three].every((node) => node!.peers().length === 2);
    await until(meet, 'all meet');
    const heard: string[] = [];
    one!.onMessage((from) => (heard.push(from), 'accept'));
    let relayed = 0;
    two!.onMessage(() => (relayed++, 'accept'));
    one!.setMembers(members.slice(0, 2));
    await until(() => three!.peers().length === 1, 'one has hung up');
    // Three rejects would be enough for one not to listen to two any more.
    for (let n = 0; n < 20; n++) three!.broadcast('log', bytesOf(`${n}`));
    await until(() => relayed > 0, 'two hears it');
    await pass(1_500);
    two!.broadcast('log', bytesOf('and now'));
    await until(() => heard.length > 0, 'one hears two');
    expect(heard).to.deep.equal([members[1]!.id]);
  });
});
