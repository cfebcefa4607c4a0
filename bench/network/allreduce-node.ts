/** One member of `allreduce.ts` as a process of its own: told by lines of JSON on its input, and answers by one each. */
import { createHash } from 'node:crypto';
import { createInterface } from 'node:readline';
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys';
import { seededRandom, utf8, type Digest, type NodeId } from '../../src/base/index.ts';
import { systemSealing } from '../../src/crypto/index.ts';
import {
  assembleRound,
  averageRound,
  checkRoundUpdate,
  contentName,
  ContentStore,
  encryptRoundUpdate,
  encryptShards,
  reduceShard,
  ShardPlan,
  shardRange,
  type UpdateFile,
} from '../../src/gossip/index.ts';
import { diskStore } from '../../src/host/index.ts';
import { networkDefaults, openLibp2pTransport } from '../../src/network/index.ts';
import {
  elementCount,
  fileOrder,
  ModelWriter,
  parameterCount,
  pieceValues,
  type ModelLayout,
} from '../../src/weights/index.ts';
import type { TravelCompression } from '../../src/wire/index.ts';

/** What a node is started with. */
export interface NodeOptions {
  readonly number: number;
  readonly ports: readonly number[];
  readonly folder: string;
  readonly layout: ModelLayout;
  /** Of the updates on their way. */
  readonly compression?: TravelCompression;
}

/** An update as its author tells the others of it; keys and contexts in hex. */
export interface ToldUpdate {
  readonly digest: Digest;
  readonly bytes: number;
  readonly key: string;
  readonly context: string;
  readonly weights: UpdateFile['weights'];
  /** In place of `digest` and `bytes`, where it comes in shards. */
  readonly shards?: readonly { readonly digest: Digest; readonly bytes: number }[];
}

/** The sum of a shard as one of its reducers tells it. */
export interface ToldSum {
  readonly shard: number;
  readonly digest: Digest;
  readonly by: number;
}

/** What a node answers. */
export interface Answer {
  readonly update?: ToldUpdate;
  readonly sums?: readonly ToldSum[];
  readonly model?: string;
  /** Wall and processor time of each part. */
  readonly parts?: Readonly<
    Record<string, { readonly seconds: number; readonly cpuSeconds: number }>
  >;
  readonly sentBytes?: number;
  readonly peakMib?: number;
}

const { number, ports, folder, layout, compression } = JSON.parse(
  process.argv[2] ?? '{}',
) as NodeOptions;
const members = await Promise.all(
  ports.map(async (port, at) => {
    const seed = new Uint8Array(32).fill(at + 1);
    const { publicKey } = await generateKeyPairFromSeed('Ed25519', seed);
    const id = `L${at + 1}` as NodeId;
    return { id, seed, transportKey: publicKey.raw, addresses: [`127.0.0.1:${port}`] };
  }),
);
const own = members[number - 1];
if (own === undefined) throw new RangeError('a number from 1 on');
const self = own.id;
const transport = await openLibp2pTransport({
  self: own.id,
  consortium: createHash('sha256').update('allreduce').digest('hex') as Digest,
  members,
  privateKeySeed: own.seed,
  listen: `127.0.0.1:${ports[number - 1]}`,
  settings: {
    ...networkDefaults,
    ...{ inboundConnectionThreshold: 10_000, transferBytesPerSecondMax: 1_000_000_000 },
  },
  logger: { log: () => undefined },
});
const store = diskStore(folder);
const content = new ContentStore(store, transport);
const rule = {
  ...{ memberCount: members.length, clamp: 1, weightMax: 1000, samplesCap: 1000 },
  ...{ outerRate: 1, outerMomentum: 0 },
  ...(compression && { compression }),
};
const of = { round: 1, kind: 'update' } as const;

await writeModel('start', 0);
await writeModel('after', number);
await transport.start();
while (transport.peers().length < members.length - 1) {
  await new Promise((resolve) => setTimeout(resolve, 20));
}
answer({});

const commands = { encrypt, average, shard, reduce, assemble };
createInterface({ input: process.stdin }).on('line', (line) => {
  const [name, updates, sums] = JSON.parse(line) as [
    keyof typeof commands,
    ToldUpdate[],
    ToldSum[],
  ];
  void commands[name](updates, sums);
});

const plan = new ShardPlan(
  { cid: createHash('sha256').update('cid').digest('hex') as Digest, round: 1, base: '' as Digest },
  members.map(({ id }) => id),
  3,
);
const valueCount = parameterCount(layout);
let parts: Record<string, { seconds: number; cpuSeconds: number }> = {};
let sentBefore = 0;
let sinceMs = 0;
let sinceCpu = 0;

function begin(): void {
  sinceMs = performance.now();
  sinceCpu = cpuSeconds();
}

function lap(what: string): void {
  parts[what] = {
    seconds: (performance.now() - sinceMs) / 1000,
    cpuSeconds: cpuSeconds() - sinceCpu,
  };
  begin();
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

async function encrypt(): Promise<void> {
  fresh();
  const [key, salt] = [systemSealing.randomBytes(32), systemSealing.randomBytes(24)];
  const context = utf8(`update ${number}`);
  const trained = { samples: 100 + number, heads: { hps: 50, ms: 20 } };
  const job = {
    ...{ layout, start: 'start', after: 'after', trained, rule, key, salt, context },
    into: 'encrypted',
  };
  const { update, updateBytes: bytes, weights } = await encryptRoundUpdate(store, job);
  await content.adopt('encrypted', { digest: update, bytes }, of);
  lap('encrypt');
  const [keyHex, contextHex] = [key, context].map((part) => Buffer.from(part).toString('hex'));
  answer({
    update: { digest: update, bytes, key: keyHex ?? '', context: contextHex ?? '', weights },
  });
}

async function average(updates: readonly ToldUpdate[]): Promise<void> {
  begin();
  await Promise.all(
    updates.map(async ({ digest, bytes }, at) =>
      content.obtain(digest, bytes, members[at]?.id ?? null, of),
    ),
  );
  lap('exchange');
  const files = updates.map(({ digest, key, context, weights }) => ({
    ...{ ciphertext: contentName(digest), digest, weights },
    ...{ key: new Uint8Array(Buffer.from(key, 'hex')) },
    ...{ context: new Uint8Array(Buffer.from(context, 'hex')) },
  }));
  for (const [at, file] of files.entries()) {
    const updateBytes = updates[at]?.bytes ?? 0;
    const { kind } = await checkRoundUpdate(store, { ...file, layout, updateBytes, rule });
    if (kind !== 'fits') throw new Error(`an update is ${kind}`);
  }
  lap('check');
  const job = { layout, start: 'start', updates: files, rule, into: 'average' };
  const outcome = await averageRound(store, job);
  lap('average');
  if (outcome.kind !== 'averaged') throw new Error('an update was damaged');
  finish(outcome.model.digest);
}

/** The own update in shards. */
async function shard(): Promise<void> {
  fresh();
  const [key, salt] = [systemSealing.randomBytes(32), systemSealing.randomBytes(24)];
  const trained = { samples: 100 + number, heads: { hps: 50, ms: 20 } };
  const contexts = Array.from({ length: plan.shardCount }, (_, at) => utf8(`${number} ${at}`));
  const files = { start: 'start', after: 'after', into: 'encrypted' };
  const made = await encryptShards(store, { layout, trained, rule, key, salt, contexts, ...files });
  for (const one of made.shards) await content.adopt(one.name, one, of);
  lap('encrypt');
  const { weights, shards } = made;
  const [keyHex] = [Buffer.from(key).toString('hex')];
  const digest = '' as Digest;
  answer({ update: { digest, bytes: 0, key: keyHex, context: '', weights, shards } });
}

/** Every other member's shards that this one adds up, and their sums. */
async function reduce(updates: readonly ToldUpdate[]): Promise<void> {
  begin();
  const mine = Array.from({ length: plan.shardCount }, (_, at) => at).filter((at) => {
    const place = plan.placeOf(at, self);
    return place >= 0 && place < plan.reducers;
  });
  await Promise.all(
    updates.flatMap(({ shards }, at) =>
      mine.map(async (one) => {
        const { digest, bytes } = shards?.[one] ?? { digest: '' as Digest, bytes: 0 };
        await content.obtain(digest, bytes, members[at]?.id ?? null, of);
      }),
    ),
  );
  lap('shards');
  const files = (one: number): UpdateFile[] =>
    updates.map(({ shards, key, weights }, at) => {
      const digest = shards?.[one]?.digest ?? ('' as Digest);
      const range = shardRange(valueCount, plan.shardCount, one, rule);
      const context = utf8(`${at + 1} ${one}`);
      const bytes = new Uint8Array(Buffer.from(key, 'hex'));
      return { ciphertext: contentName(digest), digest, key: bytes, context, weights, range };
    });
  for (const one of mine) {
    for (const [at, file] of files(one).entries()) {
      const updateBytes = updates[at]?.shards?.[one]?.bytes ?? 0;
      const { kind } = await checkRoundUpdate(store, { ...file, layout, updateBytes, rule });
      if (kind !== 'fits') throw new Error(`a shard is ${kind}`);
    }
  }
  lap('check');
  const sums: ToldSum[] = [];
  for (const one of mine) {
    const range = shardRange(valueCount, plan.shardCount, one, rule);
    const job = { layout, range, updates: files(one), rule, into: `sum-${one}` };
    const outcome = await reduceShard(store, job);
    if (outcome.kind !== 'reduced') throw new Error('a shard was damaged');
    await content.adopt(job.into, outcome.sum, of);
    sums.push({ shard: one, digest: outcome.sum.digest, by: number });
  }
  lap('add');
  answer({ sums });
}

/** The sums that others made, and the model of all. */
async function assemble(updates: readonly ToldUpdate[], told: readonly ToldSum[]): Promise<void> {
  begin();
  const sums = Array.from({ length: plan.shardCount }, (_, at) => {
    const by = told.filter((one) => one.shard === at);
    if (new Set(by.map(({ digest }) => digest)).size !== 1) throw new Error('sums differ');
    const chosen = by.find((one) => one.by === number) ?? by[number % by.length];
    if (chosen === undefined) throw new Error('a shard without a sum');
    return { ...chosen, range: shardRange(valueCount, plan.shardCount, at, rule) };
  });
  await Promise.all(
    sums.map(({ digest, by, range }) =>
      content.obtain(digest, 5 * (range.end - range.start), members[by - 1]?.id ?? null, of),
    ),
  );
  lap('sums');
  const outcome = await assembleRound(store, {
    ...{ layout, start: 'start', rule, into: 'average' },
    sums: sums.map(({ digest, range }) => ({ name: contentName(digest), digest, range })),
    weights: updates.map(({ weights }) => weights),
  });
  lap('average');
  if (outcome.kind !== 'averaged') throw new Error('a sum was refused');
  finish(outcome.model.digest);
}

/** Another run begins. */
function fresh(): void {
  parts = {};
  sentBefore = transport.stats().sentBytes;
  begin();
}

function finish(model: Digest): void {
  answer({
    ...{ model, parts, sentBytes: transport.stats().sentBytes - sentBefore },
    peakMib: process.resourceUsage().maxRSS / 1024,
  });
}

function answer(what: Answer): void {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}

/** The start, or what member `n` made of it: changes of a few thousandths. */
async function writeModel(name: string, n: number): Promise<void> {
  const writer = await ModelWriter.create(store, name, layout);
  const [random, change] = [seededRandom('start'), seededRandom(`change ${n}`)];
  const table = Float32Array.from({ length: 4099 }, () => random.normal());
  const changes = Float32Array.from({ length: 4093 }, () =>
    n === 0 ? 0 : 0.003 * change.normal(),
  );
  for (const tensor of fileOrder(layout)) {
    const size = elementCount(layout[tensor]?.shape ?? []);
    for (let at = 0; at < size; at += pieceValues) {
      const piece = Float32Array.from(
        { length: Math.min(pieceValues, size - at) },
        (_, i) => (table[(at + i) % 4099] ?? 0) + (changes[(at + i) % 4093] ?? 0),
      );
      await writer.write(piece);
    }
  }
  await writer.commit();
}
