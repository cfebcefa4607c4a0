/** What an operator is told of each link. Every fault is put in, found with its layer, and taken out again. */
import { createServer, type Socket } from 'node:net';
import { expect } from 'chai';
import type { NodeId } from '../../src/base/index.ts';
import type { LinkProblem, Libp2pTransport, MemberLink } from '../../src/network/index.ts';
import { DialTrace } from '../../src/network/link-problem.ts';
import { isLower, MemberDirectory, toMultiaddr } from '../../src/network/member-directory.ts';
import { helloProtocol } from '../../src/network/protocol-ids.ts';
import { heldBlob } from '../wire/held-blob.ts';
import {
  fast,
  openMember,
  otherConsortium,
  testMembers,
  until,
  type TestMember,
} from './libp2p-cluster.ts';
import { startRogue } from './rogue-member.ts';

describe('links with members', () => {
  const closing: (() => Promise<unknown>)[] = [];
  let members: TestMember[];
  /** The member that dials of the two, and the other. */
  let dialler: TestMember;
  let other: TestMember;

  const start = async (...args: Parameters<typeof openMember>): Promise<Libp2pTransport> => {
    const transport = await openMember(...args);
    closing.push(async () => transport.stop());
    await transport.start();
    return transport;
  };
  const linkOf = (transport: Libp2pTransport): MemberLink => transport.links()[0]!;
  const problemOf = async (transport: Libp2pTransport): Promise<LinkProblem> => {
    await until(() => linkOf(transport).problem !== null, 'a problem is found');
    return linkOf(transport).problem!;
  };
  /** What `dialler` knows of `other`, whose line says `addresses`, and what a probe adds: nothing else. */
  const found = async (addresses: readonly string[]): Promise<[MemberLink, LinkProblem]> => {
    const one = await start(dialler, [dialler, { ...other, addresses }]);
    const problem = await problemOf(one);
    const report = await one.probe(other.id);
    expect(report.link.problem).to.deep.equal(problem);
    expect([report.roundTripMs, report.bytesPerSecond]).to.deep.equal([null, null]);
    expect(one.peers()).to.deep.equal([]);
    return [report.link, problem];
  };

  beforeEach(async () => {
    members = await testMembers(2);
    const [one, two] = new MemberDirectory(members).all();
    [dialler, other] = (isLower(one!, two!) ? members : [...members].reverse()) as [
      TestMember,
      TestMember,
    ];
  });

  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  it('tell who dialled, since when, and what passed, and a probe measures them', async () => {
    const beganMs = Date.now();
    const one = await start(dialler, members);
    const two = await start(other, members);
    expect(linkOf(one)).to.include({ member: other.id, state: 'dialing', heardMs: null });
    expect(linkOf(two)).to.include({ member: dialler.id, state: 'waiting', direction: null });
    await until(() => one.peers().length + two.peers().length === 2, 'they meet');
    const [there, back] = [linkOf(one), linkOf(two)];
    expect(there).to.include({ state: 'connected', direction: 'outbound', problem: null });
    expect(back).to.include({ state: 'connected', direction: 'inbound', problem: null });
    for (const { sinceMs, heardMs } of [there, back]) {
      expect(sinceMs).to.be.within(beganMs, Date.now());
      expect(heardMs).to.be.within(beganMs, Date.now());
    }
    const report = await one.probe(other.id);
    expect(report.link.state).to.equal('connected');
    expect(report.roundTripMs).to.be.greaterThan(0);
    expect(report.bytesPerSecond).to.be.greaterThan(0);
    // 1 MiB came; nothing of it went back.
    const after = linkOf(one);
    expect(after.receivedBytes - there.receivedBytes).to.be.greaterThan(1024 * 1024);
    expect(after.sentBytes - there.sentBytes).to.be.below(100_000);
    expect(after.sinceMs).to.equal(there.sinceMs);
    // What passed over a connection that is gone still counts.
    await two.stop();
    await until(() => linkOf(one).state !== 'connected', 'it is gone');
    expect(linkOf(one).direction).to.equal(null);
    expect(linkOf(one).receivedBytes).to.be.at.least(after.receivedBytes);
  });

  it('measure also with blobs of its own behind the transport', async () => {
    const one = await start(dialler, members);
    const two = await start(other, members);
    two.serveBlobs(() => Promise.resolve(heldBlob(new Uint8Array(10))));
    await until(() => one.peers().length + two.peers().length === 2, 'they meet');
    expect((await one.probe(other.id)).bytesPerSecond).to.be.greaterThan(0);
  });

  it('name an unknown name', async () => {
    const [link, problem] = await found(['no-such-host.invalid:4001']);
    expect([link.state, problem.layer]).to.deep.equal(['unreachable', 'name']);
    expect(problem.reason).to.match(/no-such-host\.invalid.*(ENOTFOUND|EAI_AGAIN)/);
  });

  it('name a port at which nobody listens, and forget it when somebody does', async () => {
    const one = await start(dialler, members);
    const problem = await problemOf(one);
    expect([linkOf(one).state, problem.layer]).to.deep.equal(['unreachable', 'tcp']);
    expect(problem.reason).to.include(`/ip4/127.0.0.1/tcp/${other.port}`).and.include('refused');
    const { sinceMs } = linkOf(one);
    await one.probe(other.id);
    expect(linkOf(one).sinceMs).to.equal(sinceMs); // failed again: no new beginning
    await start(other, members);
    await until(() => linkOf(one).state === 'connected', 'they meet');
    expect(linkOf(one).problem).to.equal(null);
  });

  it('name silence, and of several addresses the one that came furthest', async () => {
    const silent = new DialTrace([toMultiaddr('192.0.2.1:4001')], 10_000);
    silent.onProgress({ type: 'tcp:open-connection' });
    const problem = await silent.problem(new Error('The operation was aborted'));
    expect(problem.layer).to.equal('tcp');
    expect(problem.reason).to.equal('/ip4/192.0.2.1/tcp/4001: no answer within 10 s');
    const echo = await listen((socket) => socket.on('data', () => socket.end('nonsense')));
    const [link, furthest] = await found(['no-such-host.invalid:4001', echo, '127.0.0.1:9']);
    expect([link.state, furthest.layer]).to.deep.equal(['unreachable', 'noise']);
    expect(furthest.reason).to.include(toMultiaddr(echo).toString());
  });

  it('name a program that is no member', async () => {
    const [link, problem] = await found([await listen((socket) => socket.end())]);
    expect([link.state, problem.layer]).to.deep.equal(['unreachable', 'noise']);
  });

  it('name a machine with another key', async () => {
    const imposter = { ...other, ...(await testMembers(3))[2]! };
    await start(imposter, [dialler, imposter]);
    const [link, problem] = await found(imposter.addresses);
    expect([link.state, problem.layer]).to.deep.equal(['unreachable', 'noise']);
    expect(problem.reason).to.include('its key is not');
  });

  it('name a list of members without this node', async () => {
    const two = await start(other, [other]);
    const [link, problem] = await found(other.addresses);
    expect([link.state, problem.layer]).to.deep.equal(['refused', 'membership']);
    expect(problem.reason).to.include('key of this node');
    expect(two.links()).to.deep.equal([]);
  });

  it('name another consortium, on both sides', async () => {
    const two = await start(other, members, { consortium: otherConsortium });
    const [link, problem] = await found(other.addresses);
    expect([link.state, problem.layer]).to.deep.equal(['refused', 'membership']);
    expect(problem.reason).to.include('another consortium');
    expect(linkOf(two)).to.have.property('state', 'refused');
    expect(linkOf(two).problem).to.deep.equal(problem);
  });

  it('name another version, whether it is said or its protocol is unknown', async () => {
    for (const isSaid of [true, false]) {
      const rogue = await startRogue(other, members, fast);
      closing.push(async () => rogue.stop());
      await rogue.unhandle(helloProtocol);
      if (isSaid) {
        await rogue.handle(helloProtocol, async (stream) => {
          stream.send(Uint8Array.of(3, 2, 0, 0)); // version 2, whose hello is of another length
          await stream.close();
        });
      }
      const [link, problem] = await found(other.addresses);
      expect([link.state, problem.layer]).to.deep.equal(['refused', 'version']);
      for (const close of closing.splice(0).reverse()) await close();
    }
  });

  it('name a member that nobody can dial, and one that was hung up on', async () => {
    const hidden = members.map((member) => ({ ...member, addresses: [] }));
    const lone = await start(dialler, hidden);
    expect(linkOf(lone)).to.have.property('state', 'unreachable');
    expect(linkOf(lone).problem).to.have.property('layer', 'name');
    await lone.stop();
    const one = await start(dialler, members);
    const two = await start(other, members);
    await until(() => one.peers().length + two.peers().length === 2, 'they meet');
    const refusal = { signatures: 0, refusal: 'a test' };
    for (let fault = 0; fault <= fast.senderFaultsMax; fault++) one.charge(other.id, refusal);
    expect(linkOf(one)).to.have.property('state', 'refused');
    expect(linkOf(one).problem).to.have.property('layer', 'conduct');
  });

  it('refuse to probe who is no member', async () => {
    const one = await start(dialler, members);
    const report = one.probe('L9' as NodeId).catch((error: unknown) => String(error));
    expect(await report).to.include('L9 is not in the manifest');
  });

  async function listen(onSocket: (socket: Socket) => void): Promise<string> {
    const sockets: Socket[] = [];
    const server = createServer((socket) => {
      sockets.push(socket.on('error', () => undefined));
      onSocket(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    });
    return `127.0.0.1:${(server.address() as { port: number }).port}`;
  }
});
