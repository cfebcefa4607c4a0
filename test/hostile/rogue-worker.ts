/**
 * A rogue member in a thread of its own: a bare libp2p host with the keys of L4 that floods one peer as it is told. What
 * it sends has the right form as far as that makes it dearer to the receiver.
 */
import { parentPort, workerData } from 'node:worker_threads';
import type { Connection, Stream } from '@libp2p/interface';
import { encode } from 'it-length-prefixed';
import { base64, concatBytes, fromHex, utf8, type Digest } from '../../src/base/index.ts';
import { cosignCheckpoint } from '../../src/audit/checkpoint.ts';
import { formatNote, parseNote } from '../../src/audit/signed-note.ts';
import { writeDrained } from '../../src/network/drained-writer.ts';
import { toMultiaddr } from '../../src/network/member-directory.ts';
import { gossipTopic, messageProtocol, updateProtocol } from '../../src/network/protocol-ids.ts';
import { encodeCanonical, topics, type Topic } from '../../src/wire/index.ts';
import { sayHello } from '../../src/network/hello-protocol.ts';
import { simulatedMember } from '../../src/experiment/run/consortium.ts';
import { fast, pass, type TestMember } from '../network/libp2p-cluster.ts';
import { startRogue } from '../network/rogue-member.ts';

/** What the test tells the rogue. */
export interface RogueData {
  readonly members: readonly TestMember[];
  readonly cid: Digest;
  readonly seed: number;
  /** A large blob of the victim. */
  readonly blob: Digest;
}

/** Kinds of flood. */
export type Flood = 'checkpoints' | 'refused' | 'heartbeats' | 'bulk';

/** What the rogue tells the test. */
export interface RogueReport {
  readonly isReady: boolean;
  /** Messages or requests sent in this flood. */
  readonly sent: number;
  readonly sentBytes: number;
}

const { members, cid, seed, blob } = workerData as RogueData;
const self = members.at(-1)!;
const victim = members[0]!;
const { keys } = simulatedMember(seed, self.id, []);
const rogue = await startRogue(self, members, fast, cid);
let flood: Flood | null = null;
let sent = 0;
let sentBytes = 0;
let sequence = BigInt(Date.now()) << 20n;
/** Text of the victim's latest checkpoint. */
let text = '';

rogue.services.gossip.addEventListener('message', ({ detail }) => {
  if (detail.topic !== gossipTopic(cid, 'log')) return;
  try {
    ({ text } = parseNote(detail.data.subarray(9)));
  } catch {
    // one of our own
  }
});

parentPort!.on('message', (next: Flood | null) => {
  flood = next;
  if (next === null) {
    parentPort!.postMessage({ isReady: false, sent, sentBytes } satisfies RogueReport);
    return;
  }
  sent = 0;
  sentBytes = 0;
  const kinds = {
    checkpoints: sendCheckpoints,
    refused: sendRefused,
    heartbeats: sendHeartbeats,
    bulk: askForBytes,
  };
  for (let strand = 0; strand < 4; strand++) void keepAt(next, kinds[next], strand);
});

while (!(await connection().then(Boolean, () => false))) await pass(50);
parentPort!.postMessage({ isReady: true, sent, sentBytes } satisfies RogueReport);

/** The connection to the victim, made anew when it hung up. */
async function connection(): Promise<Connection> {
  const open = rogue.getConnections().find(({ status }) => status === 'open');
  if (open !== undefined) return open;
  const made = await rogue.dial(toMultiaddr(`127.0.0.1:${victim.port}`));
  if (made.direction === 'outbound') await sayHello(made, cid, 2_000);
  return made;
}

async function keepAt(
  kind: Flood,
  work: (to: Connection, strand: number) => Promise<void>,
  strand: number,
): Promise<void> {
  while (flood === kind) {
    try {
      await work(await connection(), strand);
    } catch {
      await pass(50);
    }
    await pass(0);
  }
}

/** 540 times one valid line, and notes of one line whose time rises: valid, and each a text of its own. */
async function sendCheckpoints(to: Connection, strand: number): Promise<void> {
  const line = (seconds: number): ReturnType<typeof cosignCheckpoint> =>
    cosignCheckpoint(text, `${self.id}/witness`, keys.witness, seconds);
  if (text === '') return pass(20);
  const lines = strand % 2 === 0 ? Array(540).fill(line(1)) : [line(sent), line(sent + 1)];
  const note = formatNote({ text, signatures: lines as ReturnType<typeof line>[] });
  if (strand < 2) await sayDirectly(to, 'log', note);
  else await publish('log', note);
}

async function sendRefused(to: Connection, strand: number): Promise<void> {
  const topic = topics[sent % topics.length]!;
  const vote = {
    t: 'NULLIFY',
    cid,
    e: 0,
    h: 2 ** 20 + sent,
    v: 0,
    i: 1,
    sig: base64(new Uint8Array(64)),
  };
  const bytes = topic === 'consensus' ? encodeCanonical(vote) : utf8(`{"nothing":${sent}}`);
  if (strand < 2) await sayDirectly(to, topic, bytes);
  else await publish(topic, bytes);
}

/** Messages with nothing wrong in them, but for their number. */
async function sendHeartbeats(to: Connection, strand: number): Promise<void> {
  const bytes = encodeCanonical({
    ...{ t: 'status', h: 0, r: 0, s: sent, at: 0, m: 0 },
    code: 'ab'.repeat(32),
  });
  for (let n = 0; n < 20; n++) {
    if (strand < 2) await sayDirectly(to, 'status', bytes);
    else await publish('status', bytes);
  }
}

/** One byte of a large blob, over and over. */
async function askForBytes(to: Connection): Promise<void> {
  const request = new Uint8Array(48);
  request.set(fromHex(blob)!);
  new DataView(request.buffer).setBigUint64(40, 1n);
  const stream = await to.newStream(updateProtocol, { maxOutboundStreams: 64 });
  stream.send(request);
  sent += 1;
  sentBytes += request.byteLength;
  await new Promise<void>((resolve) => {
    stream.addEventListener('close', () => {
      resolve();
    });
    setTimeout(resolve, 5_000);
    stream.close().catch(() => undefined);
  });
}

const streams = new Map<string, Stream>();

async function sayDirectly(to: Connection, topic: Topic, bytes: Uint8Array): Promise<void> {
  let stream = streams.get(to.id);
  if (stream?.writeStatus !== 'writable') {
    stream = await to.newStream(messageProtocol);
    streams.set(to.id, stream);
  }
  const frame = concatBytes(Uint8Array.of(topics.indexOf(topic) + 1), bytes);
  await writeDrained(stream, encode.single(frame), 2_000);
  count(bytes);
}

async function publish(topic: Topic, bytes: Uint8Array): Promise<void> {
  const head = new Uint8Array(9);
  new DataView(head.buffer).setBigUint64(0, ++sequence);
  await rogue.services.gossip.publish(gossipTopic(cid, topic), concatBytes(head, bytes));
  count(bytes);
}

function count(bytes: Uint8Array): void {
  sent += 1;
  sentBytes += bytes.byteLength;
}
