import { createHash } from 'node:crypto';
import { createServer, connect } from 'node:net';
import { expect } from 'chai';
import type { Digest } from '../../src/base/index.ts';
import { NetworkError } from '../../src/network/errors.ts';
import type { Libp2pTransport, NetworkSettings } from '../../src/network/index.ts';
import { preamble } from '../../src/network/preamble-guard.ts';
import { topics, TransportError, type Topic, limits } from '../../src/wire/index.ts';
import { heldBlob } from '../wire/held-blob.ts';
import { transportSuite } from '../wire/transport-suite.ts';
import {
  fast,
  libp2pRig,
  openMember,
  otherConsortium,
  pass,
  testMembers,
  until,
  type TestMember,
} from './libp2p-cluster.ts';

transportSuite('libp2p', libp2pRig);

const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
const digestOf = (bytes: Uint8Array): Digest =>
  createHash('sha256').update(bytes).digest('hex') as Digest;

async function caught(work: Promise<unknown>): Promise<unknown> {
  try {
    await work;
  } catch (error) {
    return error;
  }
  throw new Error('expected a rejection');
}

async function drain(chunks: AsyncIterable<Uint8Array>): Promise<number> {
  let bytes = 0;
  for await (const chunk of chunks) bytes += chunk.byteLength;
  return bytes;
}

describe('libp2p transport', () => {
  const open: Libp2pTransport[] = [];
  const start = async (
    member: TestMember,
    members: readonly TestMember[],
    changes: Parameters<typeof openMember>[2] = {},
  ): Promise<Libp2pTransport> => {
    const transport = await openMember(member, members, changes);
    open.push(transport);
    await transport.start();
    return transport;
  };
  const pair = async (
    settings: Partial<NetworkSettings> = {},
  ): Promise<[Libp2pTransport, Libp2pTransport]> => {
    const members = await testMembers(2);
    const changes = { settings: { ...fast, ...settings } };
    const one = await start(members[0]!, members, changes);
    const two = await start(members[1]!, members, changes);
    await until(() => one.peers().length + two.peers().length === 2, 'the pair meets');
    return [one, two];
  };
  const whole = { offset: 0, length: null, maxBytes: 1e9 };

  afterEach(async () => {
    await Promise.all(open.splice(0).map(async (transport) => transport.stop()));
  });

  it('brings eight members in one process together', async () => {
    const members = await testMembers(8);
    const all = await Promise.all(members.map(async (member) => start(member, members)));
    await until(() => all.every((one) => one.peers().length === 7), 'all eight meet');
    const heard = new Set<string>();
    for (const one of all) one.onMessage(() => (heard.add(one.self), 'accept'));
    all[3]!.broadcast('consensus', bytesOf('hello'));
    await until(() => heard.size === 7, 'seven hear it');
    expect(heard.has(all[3]!.self)).to.equal(false);
  });

  it('meets a member again that died and came back, and loses what was sent meanwhile', async () => {
    const members = await testMembers(2);
    const one = await start(members[0]!, members);
    for (const life of ['first', 'second']) {
      const two = await start(members[1]!, members);
      const texts: string[] = [];
      two.onMessage((_from, _topic, bytes) => {
        texts.push(Buffer.from(bytes).toString());
        return 'accept';
      });
      await until(() => one.peers().length + two.peers().length === 2, `${life} life`);
      one.broadcast('status', bytesOf(life));
      await until(() => texts.length > 0, `${life} broadcast`);
      expect(texts).to.deep.equal([life]);
      await two.stop();
      expect(two.peers()).to.deep.equal([]);
      await until(() => one.peers().length === 0, `${life} death`);
      one.send(two.self, 'log', bytesOf('into the void'));
      const error = await caught(drain(one.fetch(two.self, 'aa'.repeat(32) as Digest, whole)));
      expect(error).to.be.instanceOf(TransportError).with.property('code', 'unreachable');
    }
  });

  it('gives nothing at the end of a blob, refuses behind it, and measures from the offset', async () => {
    const [one, two] = await pair();
    const blob = new Uint8Array(1_000);
    const digest = digestOf(blob);
    two.serveBlobs(() => Promise.resolve(heldBlob(blob)));
    const range = (offset: number, maxBytes: number): Promise<number> =>
      drain(one.fetch(two.self, digest, { offset, length: null, maxBytes }));
    expect(await range(1_000, 0)).to.equal(0);
    expect(await range(990, 10)).to.equal(10);
    const cases: [number, number, string][] = [
      [990, 9, 'too_large'],
      [1_001, 10, 'not_found'],
    ];
    for (const [offset, maxBytes, code] of cases) {
      const error = await caught(range(offset, maxBytes));
      expect(error, code).to.be.instanceOf(TransportError).with.property('code', code);
    }
  });

  it('keeps direct messages in order and holds a flood back without loss', async () => {
    const [one, two] = await pair({ messagesPerSecond: 200, messageQueueMax: 400 });
    const numbers: number[] = [];
    two.onMessage((_from, _topic, bytes) => {
      numbers.push(Number(Buffer.from(bytes).toString()));
      return 'accept';
    });
    // 200 at once, then 200 a second: 300 take half a second at least.
    const startMs = performance.now();
    for (let n = 0; n < 300; n++) one.send(two.self, 'updates', bytesOf(String(n)));
    await until(() => numbers.length === 300, 'all arrive');
    expect(numbers).to.deep.equal(Array.from({ length: 300 }, (_, n) => n));
    expect(performance.now() - startMs).to.be.greaterThan(450);
  });

  it('takes broadcasts of one author no faster than the rate', async () => {
    const members = await testMembers(2);
    const one = await start(members[0]!, members, {
      settings: { ...fast, broadcastsPerSecond: 1_000, broadcastBurst: 10_000 },
    });
    const two = await start(members[1]!, members, {
      settings: { ...fast, broadcastsPerSecond: 1, broadcastBurst: 20 },
    });
    await until(() => one.peers().length + two.peers().length === 2, 'the pair meets');
    let count = 0;
    two.onMessage(() => (count++, 'accept'));
    for (let n = 0; n < 100; n++) one.broadcast('updates', bytesOf(`flood ${n}`));
    await until(() => count >= 20, 'the burst arrives');
    await pass(500);
    // A burst of 20, then one a second.
    expect(count).to.be.within(20, 22);
  });

  it('sends its own broadcasts no faster than others take them', async () => {
    const [one, two] = await pair({ broadcastsPerSecond: 100, broadcastBurst: 100 });
    let count = 0;
    two.onMessage(() => (count++, 'accept'));
    for (let n = 0; n < 130; n++) one.broadcast('updates', bytesOf(`paced ${n}`));
    await until(() => count === 130, 'none is lost');
  });

  it('sends nothing larger than its topic carries, and takes what is exactly that', async () => {
    const [one, two] = await pair();
    const sizes: [Topic, number][] = [];
    two.onMessage((_from, topic, bytes) => (sizes.push([topic, bytes.byteLength]), 'accept'));
    const expected = topics.flatMap((topic): [Topic, number][] => {
      const bytesMax = limits.topicBytesMax[topic];
      for (const size of [bytesMax + 1, bytesMax]) {
        one.broadcast(topic, new Uint8Array(size));
        one.send(two.self, topic, new Uint8Array(size).fill(1));
      }
      return [
        [topic, bytesMax],
        [topic, bytesMax],
      ];
    });
    await until(() => sizes.length === 8, 'all arrive');
    expect(sizes).to.have.deep.members(expected);
  });

  it('does not let a stranger in, even with the right addresses', async () => {
    const members = await testMembers(3);
    const stranger = members[2]!;
    const one = await start(members[0]!, members.slice(0, 2));
    const two = await start(members[1]!, members.slice(0, 2));
    const lone = await start(stranger, members);
    await until(() => one.peers().length + two.peers().length === 2, 'the members meet');
    await pass(500);
    expect(lone.peers()).to.deep.equal([]);
    expect([...one.peers(), ...two.peers()]).to.not.include(stranger.id);
  });

  it('does not count a member of another consortium as a peer', async () => {
    const members = await testMembers(2);
    const one = await start(members[0]!, members);
    const two = await start(members[1]!, members, { consortium: otherConsortium });
    await pass(700);
    expect([...one.peers(), ...two.peers()]).to.deep.equal([]);
    const error = await caught(drain(one.fetch(two.self, 'aa'.repeat(32) as Digest, whole)));
    expect(error).to.be.instanceOf(TransportError).with.property('code', 'unreachable');
  });

  it('is dialled by the other side when the lower peer id cannot reach it', async () => {
    const members = await testMembers(2);
    // Only one knows a good address of the other: should it be the one that waits, it dials in the end.
    const changes = { settings: { ...fast, reverseDialAfterMs: 500 } };
    for (const index of [0, 1]) {
      const blind = members.map((member) => ({ ...member, addresses: ['127.0.0.1:9'] }));
      const knows = members.map((member, at) => (at === index ? member : blind[at]!));
      const one = await start(members[index]!, blind, changes);
      const two = await start(members[1 - index]!, knows, changes);
      await until(() => one.peers().length + two.peers().length === 2, `direction ${index}`);
      await Promise.all([one.stop(), two.stop()]);
    }
  });

  it('holds a sender back while its reader does not read', async () => {
    const [one, two] = await pair();
    const blob = new Uint8Array(40_000_000);
    two.serveBlobs(() => Promise.resolve(heldBlob(blob)));
    const before = two.stats().sentBytes;
    const chunks = one.fetch(two.self, digestOf(blob), whole)[Symbol.asyncIterator]();
    await chunks.next();
    await pass(700);
    // At most the high-water mark, a window on its way and what the sockets hold.
    expect(two.stats().sentBytes - before).to.be.below(12_000_000);
    let bytes = 0;
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) {
      bytes += next.value.byteLength;
    }
    expect(bytes).to.be.greaterThan(39_000_000);
  });

  it('ends a fetch whose member falls silent', async () => {
    const [one, two] = await pair({ transferIdleMs: 300 });
    two.serveBlobs(() => new Promise(() => undefined));
    const error = await caught(drain(one.fetch(two.self, 'aa'.repeat(32) as Digest, whole)));
    expect(error).to.be.instanceOf(TransportError).with.property('code', 'interrupted');
    expect((error as Error).cause)
      .to.be.instanceOf(NetworkError)
      .with.property('code', 'stalled');
  });

  it('serves one peer no more than so many transfers at once', async () => {
    const [one, two] = await pair({ transfersPerPeerMax: 2 });
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    const blob = new Uint8Array(1_000);
    two.serveBlobs(async () => (await gate, heldBlob(blob)));
    const digest = digestOf(blob);
    const slow = [
      drain(one.fetch(two.self, digest, whole)),
      drain(one.fetch(two.self, digest, whole)),
    ];
    await pass(150);
    const error = await caught(drain(one.fetch(two.self, digest, whole)));
    expect((error as Error).cause)
      .to.be.instanceOf(NetworkError)
      .with.property('code', 'busy');
    release();
    expect(await Promise.all(slow)).to.deep.equal([1_000, 1_000]);
    expect(await drain(one.fetch(two.self, digest, whole))).to.equal(1_000);
  });

  it('reads what is asked for from a blob and no more at once than a chunk', async () => {
    const [one, two] = await pair({ chunkBytes: 65_536 });
    const reads: [number, number][] = [];
    two.serveBlobs(() =>
      Promise.resolve({
        totalBytes: 2 ** 40, // a terabyte: whoever read it whole would not come back
        read: (offset, length) => {
          reads.push([offset, length]);
          return Promise.resolve(new Uint8Array(length));
        },
      }),
    );
    const range = { offset: 2 ** 39, length: 100_000, maxBytes: 100_000 };
    expect(await drain(one.fetch(two.self, 'aa'.repeat(32) as Digest, range))).to.equal(100_000);
    expect(reads).to.deep.equal([
      [2 ** 39, 65_536],
      [2 ** 39 + 65_536, 34_464],
    ]);
  });

  it('sends one member no more bytes a second than it may have, over all its transfers', async () => {
    const rate = { chunkBytes: 65_536, transferBytesPerSecondMax: 131_072 };
    const [one, two] = await pair(rate);
    const blob = new Uint8Array(131_072);
    two.serveBlobs(() => Promise.resolve(heldBlob(blob)));
    const startMs = performance.now();
    const digest = digestOf(blob);
    await Promise.all([1, 2].map(() => drain(one.fetch(two.self, digest, whole))));
    // Half of it at once, the other half in a second.
    expect(performance.now() - startMs).to.be.greaterThan(900);
  });

  it('ends a transfer whose reader takes it too slowly', async () => {
    const [one, two] = await pair({ transferGraceMs: 200, transferBytesPerSecondMin: 100_000_000 });
    two.serveBlobs(() => Promise.resolve(heldBlob(new Uint8Array(40_000_000))));
    const chunks = one.fetch(two.self, 'aa'.repeat(32) as Digest, whole)[Symbol.asyncIterator]();
    await chunks.next();
    await pass(700);
    const error = await caught(
      (async () => {
        while ((await chunks.next()).done !== true);
      })(),
    );
    expect(error).to.be.instanceOf(TransportError).with.property('code', 'interrupted');
  });

  it('stops a fetch in the middle when its caller cancels', async () => {
    const [one, two] = await pair();
    const blob = new Uint8Array(20_000_000);
    two.serveBlobs(() => Promise.resolve(heldBlob(blob)));
    const controller = new AbortController();
    const chunks = one.fetch(two.self, digestOf(blob), { ...whole, signal: controller.signal });
    const error = await caught(
      (async () => {
        for await (const chunk of chunks) if (chunk.byteLength > 0) controller.abort();
      })(),
    );
    expect(error).to.be.instanceOf(TransportError).with.property('code', 'interrupted');
    await pass(200);
    expect(one.peers()).to.deep.equal([two.self]);
  });

  it('hangs up on garbage at once, also behind a good beginning', async () => {
    const members = await testMembers(2);
    const one = await start(members[0]!, members);
    // 0xff never ends a length: decoded byte by byte, 200 kB of it would cost many seconds of this thread.
    const endless = Buffer.alloc(200_000, 0xff);
    for (const bytes of [endless, Buffer.concat([preamble.subarray(0, 20), endless])]) {
      const socket = connect(members[0]!.port, '127.0.0.1');
      const closed = new Promise((resolve) => socket.on('close', resolve));
      socket.on('error', () => undefined);
      socket.resume();
      const before = process.cpuUsage();
      socket.write(bytes);
      await closed;
      const { user, system } = process.cpuUsage(before);
      expect(user + system, 'µs of this process').to.be.below(500_000);
    }
    const two = await start(members[1]!, members);
    await until(() => one.peers().length + two.peers().length === 2, 'the pair meets');
  });

  it('goes on when a handler throws, for broadcasts and direct messages', async () => {
    const [one, two] = await pair();
    const texts: string[] = [];
    two.onMessage((_from, _topic, bytes) => {
      texts.push(Buffer.from(bytes).toString());
      if (texts.length <= 2) throw new RangeError('handler broke');
      return 'accept';
    });
    one.broadcast('log', bytesOf('a'));
    one.send(two.self, 'log', bytesOf('b'));
    await until(() => texts.length === 2, 'both are tried');
    one.broadcast('log', bytesOf('c'));
    one.send(two.self, 'log', bytesOf('d'));
    await until(() => texts.length === 4, 'both come after');
    expect(texts.slice(2).sort()).to.deep.equal(['c', 'd']);
  });

  it('says that a port is taken', async () => {
    const members = await testMembers(1);
    const squatter = createServer();
    await new Promise<void>((resolve) =>
      squatter.listen(members[0]!.port, '127.0.0.1', () => {
        resolve();
      }),
    );
    try {
      const error = await caught(start(members[0]!, members));
      expect(error).to.be.instanceOf(NetworkError).with.property('code', 'port_taken');
    } finally {
      squatter.close();
    }
  });

  it('refuses keys, members, addresses and settings that do not fit', async () => {
    const members = await testMembers(2);
    const [one, two] = [members[0]!, members[1]!];
    const badKey = { ...two, transportKey: new Uint8Array(31) };
    const cases: [string, Promise<unknown>][] = [
      ['key_mismatch', openMember({ ...one, seed: two.seed }, members)],
      ['not_a_member', openMember(one, [two])],
      ['bad_transport_key', openMember(one, [one, badKey])],
      ['bad_address', openMember(one, [one, { ...two, addresses: ['127.0.0.1:65536'] }])],
      ['bad_address', openMember(one, members, { listen: 'nowhere' })],
      ['bad_setting', openMember(one, members, { settings: { ...fast, chunkBytes: 1 } })],
    ];
    for (const [code, work] of cases) {
      expect(await caught(work), code)
        .to.be.instanceOf(NetworkError)
        .with.property('code', code);
    }
  });
});
