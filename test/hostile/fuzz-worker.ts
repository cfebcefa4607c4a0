/**
 * A member with valid keys that sends what it heard, changed: bits turned, cut short, made longer, numbers made huge, frames
 * of wrong lengths, requests for nothing, hellos of nobody, RPCs of gossip that are none. Every choice follows from a seed.
 */
import { connect } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import type { Connection, Stream } from '@libp2p/interface';
import { decode, encode } from 'it-length-prefixed';
import { concatBytes, fromUtf8, seededRandom, utf8, type Digest } from '../../src/base/index.ts';
import { writeDrained } from '../../src/network/drained-writer.ts';
import { sayHello } from '../../src/network/hello-protocol.ts';
import { toMultiaddr } from '../../src/network/member-directory.ts';
import {
  gossipTopic,
  bulkProtocol,
  helloProtocol,
  messageProtocol,
  pingProtocol,
  updateProtocol,
} from '../../src/network/protocol-ids.ts';
import { topics } from '../../src/wire/index.ts';
import { fast, pass } from '../network/libp2p-cluster.ts';
import { startRogue } from '../network/rogue-member.ts';
import { fuzzMembers } from './victim-process.ts';

/** What the test tells the worker. */
export interface FuzzData {
  readonly ports: readonly number[];
  readonly seed: number;
  readonly cid: Digest;
}

/** Frames sent so far, by protocol. */
export type FuzzReport = Readonly<Record<string, number>>;

const { ports, seed, cid } = workerData as FuzzData;
const members = fuzzMembers(seed, ports);
const self = members.at(-1)!;
const victim = members[0]!;
const random = seededRandom(seed).fork('fuzz');
const sent: Record<string, number> = {};
/** What was heard, by topic: to be changed. */
const heard: [topic: number, bytes: Uint8Array][] = [];
const heardMax = 400;
const gossipProtocol = '/meshsub/1.2.0';
/** Frames in one write of a stream. */
const batch = 64;

const rogue = await startRogue(self, members, fast, cid);
rogue.services.gossip.addEventListener('message', ({ detail }) => {
  const at = topics.findIndex((topic) => gossipTopic(cid, topic) === detail.topic);
  if (at < 0) return;
  remember([at + 1, detail.data.slice(9)]);
});
// Votes come from one to one.
await rogue.handle(messageProtocol, async (stream) => {
  try {
    for await (const frame of decode(stream)) remember([frame.get(0), frame.slice(1)]);
  } catch {
    // Cut off.
  }
});

function remember(message: [topic: number, bytes: Uint8Array]): void {
  if (heard.length < heardMax) heard.push(message);
  else heard[random.integer(heardMax)] = message;
}

setInterval(() => {
  parentPort!.postMessage({ ...sent } satisfies FuzzReport);
}, 500);

const strands = [
  () => sayDirectly(),
  () => sayDirectly(),
  () => publish(),
  () => ask(),
  () => rawStream(helloProtocol, 40),
  () => rawStream(bulkProtocol, 40),
  () => rawStream(gossipProtocol, 4_000),
  () => rawStream(pingProtocol, 100),
  () => rawStream('/ipfs/id/1.0.0', 200),
  () => rawSocket(),
];
for (const strand of strands) void keepAt(strand);

async function keepAt(work: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      await work();
    } catch {
      await pass(20);
    }
    await pass(0);
  }
}

function count(protocol: string, frames: number): void {
  sent[protocol] = (sent[protocol] ?? 0) + frames;
}

async function connection(): Promise<Connection> {
  const open = rogue.getConnections().find(({ status }) => status === 'open');
  if (open !== undefined) return open;
  const made = await rogue.dial(toMultiaddr(`127.0.0.1:${victim.port}`));
  if (made.direction === 'outbound') await sayHello(made, cid, 2_000);
  return made;
}

function noise(length: number): Uint8Array {
  return Uint8Array.from({ length }, () => random.integer(256));
}

/** Something heard, changed once or a few times. */
function changed(): [topic: number, bytes: Uint8Array] {
  const [topic, original] = heard[random.integer(Math.max(1, heard.length))] ?? [1, utf8('{}')];
  let bytes: Uint8Array = original.slice();
  for (let change = 0; change <= random.integer(3); change++) bytes = changeOf(bytes);
  return [random.integer(20) === 0 ? random.integer(256) : topic, bytes];
}

function changeOf(bytes: Uint8Array): Uint8Array {
  const at = random.integer(Math.max(1, bytes.length));
  switch (random.integer(9)) {
    case 0: {
      const turned = bytes.slice();
      if (turned.length > 0) turned[at] = (turned[at] ?? 0) ^ (1 << random.integer(8));
      return turned;
    }
    case 1:
      return bytes.slice(0, at);
    case 2:
      return concatBytes(bytes, noise(random.integer(200)));
    case 3:
      return concatBytes(bytes.slice(0, at), bytes);
    case 4:
      return noise(random.integer(2_000));
    case 5:
      return replaced(bytes, /-?\d+/g, () =>
        pick(['-1', '1e308', '9007199254740993', '0', '4294967296', '00']),
      );
    case 6:
      return replaced(bytes, /"[^"]*"/g, () =>
        pick(['""', '"\\u0000"', 'null', '[]', `"${'a'.repeat(500)}"`, '{}']),
      );
    case 7:
      return utf8(`${'['.repeat(1 + random.integer(3_000))}${fromUtf8(bytes.slice(0, 0))}`);
    default:
      return replaced(bytes, /"[a-zA-Z]{1,12}":/g, (key) =>
        pick([key.toUpperCase(), '"__proto__":', '"t":', `${key}1,${key}`]),
      );
  }
}

function pick(choices: readonly string[]): string {
  return choices[random.integer(choices.length)] ?? '';
}

/** One of the places that `form` finds is replaced. */
function replaced(bytes: Uint8Array, form: RegExp, by: (found: string) => string): Uint8Array {
  let text: string;
  try {
    text = fromUtf8(bytes);
  } catch {
    return bytes;
  }
  const places = [...text.matchAll(form)];
  const place = places[random.integer(Math.max(1, places.length))];
  if (place === undefined) return bytes;
  const end = place.index + place[0].length;
  return utf8(text.slice(0, place.index) + by(place[0]) + text.slice(end));
}

let direct: Stream | null = null;

async function sayDirectly(): Promise<void> {
  const to = await connection();
  if (direct?.writeStatus !== 'writable') direct = await to.newStream(messageProtocol);
  const frames = Array.from({ length: batch }, () => {
    const [topic, bytes] = changed();
    return encode.single(concatBytes(Uint8Array.of(topic), bytes)).subarray();
  });
  // Now and then what is no frame: a length that nobody sends, a length that does not end, half a frame.
  const odd = random.integer(50);
  if (odd === 0) frames.push(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x7f));
  if (odd === 1) frames.push(new Uint8Array(12).fill(0xff));
  if (odd === 2) frames.push(encode.single(noise(3_000_000)).subarray());
  const stream = direct;
  await writeDrained(stream, concatBytes(...frames), 2_000);
  count('message', frames.length);
  if (odd === 3) {
    stream.abort(new Error('cut in the middle'));
    direct = null;
  }
}

let sequence = BigInt(Date.now()) << 20n;

async function publish(): Promise<void> {
  const head = new Uint8Array(9);
  new DataView(head.buffer).setBigUint64(0, ++sequence);
  head[8] = random.integer(3);
  const [topic, bytes] = changed();
  const name = topics[(topic + 3) % topics.length]!;
  const data = random.integer(10) === 0 ? bytes : concatBytes(head, bytes);
  await rogue.services.gossip.publish(gossipTopic(cid, name), data);
  count('gossip', 1);
}

/** Requests for blobs that are too short, too long, of nothing, or of parts that are not there. */
async function ask(): Promise<void> {
  const request = noise(random.integer(3) === 0 ? random.integer(100) : 48);
  await oneStream(updateProtocol, request);
}

async function rawStream(protocol: string, lengthMax: number): Promise<void> {
  const bytes = noise(random.integer(lengthMax));
  const framed = random.integer(2) === 0 ? bytes : encode.single(bytes).subarray();
  await oneStream(protocol, framed);
}

async function oneStream(protocol: string, bytes: Uint8Array): Promise<void> {
  const to = await connection();
  const stream = await to.newStream(protocol, { maxOutboundStreams: 64 });
  try {
    await writeDrained(stream, bytes, 500);
    count(protocol, 1);
    if (random.integer(2) === 0) await stream.close({ signal: AbortSignal.timeout(300) });
  } finally {
    stream.abort(new Error('enough'));
  }
}

/** Bytes that are no Noise, on a connection that is none. */
async function rawSocket(): Promise<void> {
  await new Promise<void>((resolve) => {
    const socket = connect(victim.port, '127.0.0.1', () => {
      socket.write(noise(1 + random.integer(600)));
      count('tcp', 1);
    });
    socket.setTimeout(200);
    for (const end of ['timeout', 'error', 'close'] as const) {
      socket.on(end, () => {
        socket.destroy();
        resolve();
      });
    }
  });
  await pass(50);
}
