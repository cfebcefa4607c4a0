/**
 * One member as a process of its own: a transport and a content store over a folder, told by lines of JSON on its input. It makes
 * a blob from its number and fetches those of all others. Meanwhile it sends each a message as long as a vote, ten times a second,
 * and notes how long those of the others were on their way.
 */
import { createHash } from 'node:crypto';
import { createInterface } from 'node:readline';
import { seededRandom, type Digest, type NodeId } from '../../src/base/index.ts';
import { ContentStore } from '../../src/gossip/index.ts';
import { diskStore } from '../../src/host/index.ts';
import { networkDefaults, openLibp2pTransport } from '../../src/network/index.ts';
import { consortium, pass, silent, testMemberAt } from './libp2p-cluster.ts';

/** What a node process is started with, as JSON. */
export interface BulkNodeOptions {
  /** From 1. */
  readonly number: number;
  readonly count: number;
  /** Of each member, by number; null for one that listens nowhere. */
  readonly addresses: readonly (string | null)[];
  readonly folder: string;
  readonly blobBytes: number;
}

/** What it says, one line each. */
export type BulkNodeSays =
  | { readonly kind: 'ready'; readonly digest: Digest }
  | { readonly kind: 'met' }
  | {
      readonly kind: 'done';
      readonly seconds: number;
      readonly arrived: number;
      readonly asked: number;
      readonly askedAgain: number;
      readonly refused: number;
      readonly sentBytes: number;
      readonly receivedBytes: number;
      readonly cpuSeconds: number;
      readonly peakMib: number;
      /** How long messages of the length of a vote were on their way meanwhile, ms: half of them, nine of ten, all. */
      readonly voteMs: readonly [number, number, number];
    };

const options = JSON.parse(process.argv[2] ?? '{}') as BulkNodeOptions;
const { number, count, addresses, folder, blobBytes } = options;
const say = (what: BulkNodeSays): void => {
  process.stdout.write(`${JSON.stringify(what)}\n`);
};

const members = await Promise.all(
  addresses.map(async (address, at) => testMemberAt(at + 1, address === null ? [] : [address])),
);
const own = members[number - 1];
if (own === undefined) throw new RangeError('a number from 1 to count');
const transport = await openLibp2pTransport({
  self: own.id,
  consortium,
  members,
  privateKeySeed: own.seed,
  listen: addresses[number - 1] ?? null,
  settings: { ...networkDefaults, inboundConnectionThreshold: 1_000, redialMsMax: 5_000 },
  logger: silent,
});
const store = diskStore(folder);
const content = new ContentStore(store, transport);

const random = seededRandom(`blob ${number}`);
const words = new Uint32Array(4_099).map(() => random.uint32());
const blob = new Uint8Array(
  new Uint32Array(blobBytes / 4).map((_, at) => (words[at % 4_099] ?? 0) ^ at).buffer,
);
const digest = createHash('sha256').update(blob).digest('hex') as Digest;
await content.put(blob, null);
await transport.start();
say({ kind: 'ready', digest });
const others = members.filter(({ id }) => id !== own.id);
void (async () => {
  // Two that can only dial never meet.
  const isHidden = addresses[number - 1] === null;
  const expected = isHidden ? addresses.filter((one) => one !== null).length : count - 1;
  while (transport.peers().length < expected) await pass(50);
  say({ kind: 'met' });
})();

const voteBytes = 282;
const voteMs: number[] = [];
transport.onMessage((_from, _topic, bytes) => {
  // All processes have the clock of one machine.
  voteMs.push(Date.now() - new DataView(bytes.buffer, bytes.byteOffset).getFloat64(0));
  return 'ignore';
});

createInterface({ input: process.stdin }).on('line', (line) => {
  void exchange(JSON.parse(line) as Digest[]);
});

async function exchange(digests: readonly Digest[]): Promise<void> {
  const beganMs = performance.now();
  const before = transport.stats();
  const votes = setInterval(() => {
    const vote = new Uint8Array(voteBytes);
    new DataView(vote.buffer).setFloat64(0, Date.now());
    for (const { id } of others) transport.send(id, 'consensus', vote);
  }, 100);
  await Promise.all(
    others.map(async ({ id }) => fetchOne(id, digests[members.findIndex((one) => one.id === id)])),
  );
  const seconds = (performance.now() - beganMs) / 1000;
  clearInterval(votes);
  voteMs.sort((a, b) => a - b);
  const part = (share: number): number => voteMs[Math.floor(share * (voteMs.length - 1))] ?? 0;
  const { sentBytes, receivedBytes } = transport.stats();
  const { user, system } = process.cpuUsage();
  say({
    ...{ kind: 'done', seconds, ...content.counts() },
    ...{
      sentBytes: sentBytes - before.sentBytes,
      receivedBytes: receivedBytes - before.receivedBytes,
    },
    ...{ cpuSeconds: (user + system) / 1e6, peakMib: process.resourceUsage().maxRSS / 1024 },
    voteMs: [part(0.5), part(0.9), part(1)],
  });
}

/** As a peer does: again and again, until somebody gave it. */
async function fetchOne(author: NodeId, wanted: Digest | undefined): Promise<void> {
  if (wanted === undefined) throw new RangeError('a digest for each member');
  for (;;) {
    try {
      await content.obtain(wanted, blobBytes, author, null);
      return;
    } catch {
      await pass(500);
    }
  }
}
