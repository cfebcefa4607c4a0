/**
 * How long the thread that libp2p lives on is held up while updates of a large model are encrypted, checked and averaged,
 * and how much memory that takes. The work goes through the very worker and the very store of a node.
 * `node bench/gossip/averaging.ts [MEMBERS [MILLIONS [centred-clip]]]`: 8 members, 62 million parameters and the weighted mean unless
 * told otherwise.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { seededRandom, utf8, type Digest, type Store } from '../../src/base/index.ts';
import { robustDefaults, robustRuleOf } from '../../src/config/index.ts';
import { systemSealing } from '../../src/crypto/index.ts';
import {
  contentName,
  ContentStore,
  type AveragingRule,
  type UpdateFile,
} from '../../src/gossip/index.ts';
import { diskStore } from '../../src/host/index.ts';
import { openAveragingPool, workerAverager } from '../../src/hospital/index.ts';
import {
  elementCount,
  fileOrder,
  ModelWriter,
  modelFileBytes,
  parameterCount,
  pieceValues,
  type ModelLayout,
} from '../../src/weights/index.ts';
import type { Transport } from '../../src/wire/index.ts';

const [memberCount, millions] = [Number(process.argv[2] ?? 8), Number(process.argv[3] ?? 62)];
const isRobust = process.argv[4] === 'centred-clip';
const mega = 1e6;

/** Tensors of all sizes, as a transformer has them. */
const layout: ModelLayout = [
  ...Array.from({ length: 60 }, (_, i) => ({
    name: `blocks.${i}.weight`,
    shape: [millions * 16_000],
  })),
  ...Array.from({ length: 60 }, (_, i) => ({ name: `blocks.${i}.bias`, shape: [768] })),
  { name: 'outs.hps.conv.conv.weight', shape: [millions * 20_000] },
  { name: 'outs.ms.conv.conv.weight', shape: [millions * 20_000] },
];
const robust = robustRuleOf(
  { ...robustDefaults, kind: isRobust ? 'centred-clip' : 'none' },
  memberCount,
);
const rule: AveragingRule = {
  ...{ memberCount, clamp: 1, weightMax: 1000, samplesCap: 1000, outerRate: 1, outerMomentum: 0 },
  ...(robust && { robust }),
};

const folder = await mkdtemp(join(tmpdir(), 'annulus-averaging-'));
const pool = openAveragingPool();
try {
  await measure();
} finally {
  await pool.close();
  await rm(folder, { recursive: true, force: true });
}

async function measure(): Promise<void> {
  const store = diskStore(folder);
  const averager = workerAverager(pool, folder);
  const content = new ContentStore(store, { serveBlobs: () => undefined } as unknown as Transport);
  const [model] = cpus();
  const load = loadavg()[0]?.toFixed(1) ?? '';
  console.log(
    `${model?.model ?? ''}, ${availableParallelism()} cores, load ${load}, Node ${process.version}`,
  );
  const [count, bytes] = [parameterCount(layout), modelFileBytes(layout)];
  console.log(
    `${(count / mega).toFixed(1)} M parameters, ${(bytes / mega).toFixed(0)} MB, ${memberCount} members`,
  );
  await writeRandom(store, 'start', null);
  const updates: UpdateFile[] = [];
  for (let n = 0; n < memberCount; n++) {
    await writeRandom(store, 'after', n);
    const [key, salt] = [systemSealing.randomBytes(32), systemSealing.randomBytes(24)];
    const context = utf8(`update ${n}`);
    const trained = { samples: 100 + n, heads: { hps: 50, ms: n % 2 === 0 ? 20 : 0 } };
    const job = {
      layout,
      start: 'start',
      after: 'after',
      trained,
      rule,
      key,
      salt,
      context,
      into: 'encrypted',
    };
    const encrypted = await watch(`encrypt ${n + 1}`, n === 0, () => averager.encrypt(job));
    const digest = encrypted.update;
    const size = { digest, bytes: encrypted.updateBytes };
    await content.adopt('encrypted', size, { round: 1, kind: 'update' });
    const { weights } = encrypted;
    const update = { ciphertext: contentName(digest), digest, key, context, weights };
    updates.push(update);
    const opening = { ...update, layout, updateBytes: encrypted.updateBytes, rule };
    const isHere = (): Promise<void> => content.obtain(digest, encrypted.updateBytes, null, null);
    await watch('hash by pieces, on the network thread', n === 0, isHere);
    const outcome = await watch('check', n === 0, () => averager.check(opening));
    if (outcome.kind !== 'fits') throw new Error(`an update is ${outcome.kind}`);
  }
  const job = { layout, start: 'start', updates, rule, into: 'average' };
  const averaged = await watch(`average ${memberCount}`, true, () => averager.average(job));
  if (averaged.kind === 'averaged') console.log(`model ${averaged.model.digest}`);
}

/** Runs `work` beside an idle main thread and prints what it took. */
async function watch<T>(what: string, isTold: boolean, work: () => Promise<T>): Promise<T> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const startRss = process.memoryUsage.rss();
  let peakRss = startRss;
  const sampler = setInterval(() => {
    peakRss = Math.max(peakRss, process.memoryUsage.rss());
  }, 5);
  delay.enable();
  const began = performance.now();
  try {
    return await work();
  } finally {
    const seconds = (performance.now() - began) / 1000;
    delay.disable();
    clearInterval(sampler);
    const over = (peakRss - startRss) / mega;
    const models = over / (modelFileBytes(layout) / mega);
    const facts = [
      `${seconds.toFixed(1)} s`,
      `event loop held up for ${(delay.max / mega).toFixed(0)} ms at most`,
      `memory ${over.toFixed(0)} MB over the start (${models.toFixed(2)} models)`,
    ];
    if (isTold) console.log(`${what}: ${facts.join(', ')}`);
  }
}

/** The start, or what member `n` made of it: changes of a few thousandths. */
async function writeRandom(to: Store, name: string, n: number | null): Promise<Digest> {
  const writer = await ModelWriter.create(to, name, layout);
  for (const tensor of fileOrder(layout)) {
    const size = elementCount(layout[tensor]?.shape ?? []);
    const random = seededRandom(`start ${tensor}`);
    const change = seededRandom(`${n ?? 'start'} ${tensor}`);
    // A table of normal numbers, drawn from at random places, is much faster than drawing each.
    const table = Float32Array.from({ length: 4099 }, () => random.normal());
    const changes = Float32Array.from({ length: 4093 }, () => 0.003 * change.normal());
    const isTrained =
      n !== null && !(layout[tensor]?.name.startsWith('outs.ms') === true && n % 2 === 1);
    for (let at = 0; at < size; at += pieceValues) {
      const piece = new Float32Array(Math.min(pieceValues, size - at));
      for (let i = 0; i < piece.length; i++) {
        const value = table[(at + i) % 4099] ?? 0;
        piece[i] = isTrained ? value + (changes[(at + i) % 4093] ?? 0) : value;
      }
      await writer.write(piece);
    }
  }
  return (await writer.commit()).digest;
}
