/** What a node refuses of a member with a valid key. Bytes as docs/specs/network.md has them. */
import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { concatBytes, fromHex } from '../../src/base/index.ts';
import type { Libp2pTransport, NetworkSettings } from '../../src/network/index.ts';
import type { Host } from '../../src/network/libp2p-host.ts';
import { toMultiaddr } from '../../src/network/member-directory.ts';
import { type Topic, type Verdict, limits } from '../../src/wire/index.ts';
import { consortium, fast, openMember, pass, testMembers, until } from './libp2p-cluster.ts';
import type { TestMember } from './libp2p-cluster.ts';
import { startRogue } from './rogue-member.ts';

const cid = fromHex(consortium)!;
const goodHello = concatBytes(Uint8Array.of(0x21, 1), cid);

describe('a node that meets a rogue member', () => {
  let members: TestMember[];
  let rogue: Host;
  let honest: Libp2pTransport;
  let heard: string[];
  let verdict: Verdict;

  const meet = async (
    honestDials: boolean,
    changes: Partial<NetworkSettings> = {},
  ): Promise<void> => {
    members = await testMembers(2);
    rogue = await startRogue(members[1]!, members, fast);
    const quiet = members.map((one) => ({ ...one, addresses: honestDials ? one.addresses : [] }));
    const settings = { ...fast, reverseDialAfterMs: 50, helloTimeoutMs: 500, ...changes };
    honest = await openMember(members[0]!, quiet, { settings });
    heard = [];
    verdict = 'accept';
    honest.onMessage((from, topic, bytes) => {
      heard.push(`${from} ${topic} ${Buffer.from(bytes).toString('latin1')}`);
      return verdict;
    });
    await honest.start();
    if (honestDials) await until(() => honest.peers().length === 1, 'they meet');
  };
  /** Opens a stream to the honest node, sends `bytes` and ends its side. */
  const say = async (protocol: string, bytes: Uint8Array): Promise<void> => {
    const address = toMultiaddr(`127.0.0.1:${members[0]!.port}`);
    const connection = rogue.getConnections()[0] ?? (await rogue.dial(address));
    const stream = await connection.newStream(protocol);
    stream.send(bytes);
    await stream.close();
  };

  /** Sends `question` over a fresh stream; how many bytes come back before it ends. */
  const ask = async (protocol: string, question: Uint8Array): Promise<number> => {
    const stream = await rogue.getConnections()[0]!.newStream(protocol);
    let size = 0;
    const ended = new Promise<void>((resolve) => {
      stream.addEventListener('close', () => {
        resolve();
      });
    });
    stream.addEventListener('message', ({ data }) => {
      size += data.byteLength;
    });
    if (question.byteLength > 0) stream.send(question);
    await stream.close().catch(() => undefined);
    await ended;
    return size;
  };

  afterEach(async () => {
    await honest.stop();
    await rogue.stop();
  });

  it('takes a good hello, and no other', async () => {
    const cases: [string, Uint8Array, boolean][] = [
      ['another version', concatBytes(Uint8Array.of(0x21, 2), cid), false],
      ['another consortium', concatBytes(Uint8Array.of(0x21, 1), cid.slice().fill(7)), false],
      ['a short frame', concatBytes(Uint8Array.of(0x20, 1), cid.subarray(1)), false],
      ['a long frame', concatBytes(Uint8Array.of(0x22, 1), cid, Uint8Array.of(0)), false],
      ['a cut frame', goodHello.subarray(0, 20), false],
      ['two frames', concatBytes(goodHello, goodHello), false],
      ['nothing', new Uint8Array(0), false],
      ['a good one', goodHello, true],
    ];
    for (const [name, bytes, isGood] of cases) {
      await meet(false);
      await say('/annulus/hello/1.0.0', bytes).catch(() => undefined);
      if (isGood) await until(() => honest.peers().length === 1, name);
      else await pass(100);
      expect(honest.peers().length, name).to.equal(isGood ? 1 : 0);
      if (!isGood) await until(() => rogue.getConnections().length === 0, `${name}: hung up`);
      await honest.stop();
      await rogue.stop();
    }
  });

  it('reads direct messages of the right form only, and none before a hello', async () => {
    const frame = Uint8Array.of(3, 1, 0x68, 0x69);
    await meet(false);
    await say('/annulus/message/1.0.0', frame).catch(() => undefined);
    await pass(100);
    expect(heard).to.deep.equal([]);
    await Promise.all([honest.stop(), rogue.stop()]);

    await meet(true);
    const bad: [string, Uint8Array][] = [
      ['topic 0', Uint8Array.of(2, 0, 0x78)],
      ['topic 5', Uint8Array.of(2, 5, 0x78)],
      ['an empty frame', Uint8Array.of(0)],
      // 65 538 = 0x10002 as a varint: one more than topic and payload may have.
      ['a length above the limit', Uint8Array.of(0x82, 0x80, 0x04, 1)],
      ['a cut frame', Uint8Array.of(9, 1, 0x78)],
    ];
    for (const [name, bytes] of bad) {
      await say('/annulus/message/1.0.0', bytes).catch(() => undefined);
      await pass(30);
      expect(heard, name).to.deep.equal([]);
    }
    await say('/annulus/message/1.0.0', frame);
    await until(() => heard.length === 1, 'the good one arrives');
    expect(heard).to.deep.equal(['L2 consensus hi']);
    expect(honest.peers()).to.deep.equal(['L2']);
  });

  // A stream costs 1 ms of work. 20 are there at once and 20 more each second: 60 take two seconds, whatever the machine.
  for (const [name, protocol, question] of [
    ['pings', '/ipfs/ping/1.0.0', new Uint8Array(32).fill(9)],
    ['identify', '/ipfs/id/1.0.0', new Uint8Array(0)],
  ] as const) {
    it(`answers ${name} on the member's account`, async () => {
      await meet(true, { senderWorkMsPerSecond: 20, senderWorkMsBurst: 20, helloTimeoutMs: 5_000 });
      await pass(1_200); // what the meeting cost is paid
      const beganMs = performance.now();
      for (let n = 0; n < 60; n++) expect(await ask(protocol, question), `${n}`).greaterThan(0);
      expect(performance.now() - beganMs).to.be.within(1_800, 6_000);
    });
  }

  it('answers a ping of 32 bytes, and hangs up on who sends more', async () => {
    await meet(true, { senderFaultsMax: 2, hangUpMsMin: 60_000 });
    expect(await ask('/ipfs/ping/1.0.0', new Uint8Array(32))).to.equal(32);
    // Whoever is about to leave may not get to the end of its question.
    for (const size of [0, 31, 31, 31, 31])
      expect(await ask('/ipfs/ping/1.0.0', new Uint8Array(size))).to.equal(0);
    for (const size of [33, 64, 1_000_000]) {
      expect(honest.peers(), `before ${size} bytes`).to.deep.equal(['L2']);
      expect(await ask('/ipfs/ping/1.0.0', new Uint8Array(size))).to.be.most(32);
      await pass(50);
    }
    await until(() => rogue.getConnections().length === 0, 'hung up');
  });

  it('takes each numbered broadcast once, and none without a number or too long', async () => {
    await meet(true);
    const publish = async (topic: Topic, data: Uint8Array): Promise<void> => {
      await rogue.services.gossip.publish(`/annulus/gossip/1.0.0/${consortium}/${topic}`, data);
    };
    const numbered = (number: number, length: number, reach = 0): Uint8Array => {
      const head = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, number, reach);
      return concatBytes(head, new Uint8Array(length).fill(0x61));
    };
    // The same number twice is a replay, whatever id gossipsub gives it.
    await publish('log', numbered(1, 2));
    await publish('log', numbered(1, 3));
    await publish('status', numbered(2, 1, 1));
    await until(() => heard.length >= 2, 'two arrive');
    await pass(200);
    expect(heard).to.deep.equal(['L2 log aa', 'L2 status a']);
    await publish('log', new Uint8Array(7));
    await publish('log', Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 3));
    await publish('log', numbered(3, 1, 2));
    await publish('log', numbered(3, limits.topicBytesMax.log + 1));
    await pass(200);
    expect(heard).to.have.length(2);
    await publish('log', numbered(4, limits.topicBytesMax.log));
    await until(() => heard.length === 3, 'the longest arrives');
    const digest = createHash('sha256').update(heard[2]!).digest('hex');
    const expected = createHash('sha256')
      .update(`L2 log ${'a'.repeat(limits.topicBytesMax.log)}`)
      .digest('hex');
    expect(digest).to.equal(expected);
  });

  it('stops listening to a relay of rejected broadcasts', async () => {
    await meet(true);
    verdict = 'reject';
    const publish = async (number: number): Promise<void> => {
      const data = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, number, 0);
      await rogue.services.gossip.publish(`/annulus/gossip/1.0.0/${consortium}/log`, data);
    };
    for (let number = 1; number <= 5; number++) await publish(number);
    await until(() => heard.length === 5, 'five are judged');
    // Gossipsub looks at a score once a second: -10 times the square of 5, fading, is below -80 for 5 s.
    await pass(1_200);
    verdict = 'accept';
    await publish(6);
    await pass(300);
    expect(heard).to.have.length(5);
  });
});
