/**
 * One peer of `decisions.ts` that learns nothing, as a process of its own: the `Peer`, transport, disk and signatures of a
 * hospital, over a model of four numbers. Told its number, all ports and a folder by one argument of JSON.
 */
import { writeFileSync } from 'node:fs';
import { seededRandom, utf8 } from '../../src/base/index.ts';
import { consensusDefaults } from '../../src/consensus/index.ts';
import {
  digestOf,
  generateEd25519,
  generateHpkeKey,
  sha256,
  systemCrypto,
} from '../../src/crypto/index.ts';
import { diskStore, systemClock } from '../../src/host/index.ts';
import { networkDefaults, openLibp2pTransport } from '../../src/network/index.ts';
import { openAveragingPool, workerAverager } from '../../src/hospital/index.ts';
import { Peer, peerDefaults } from '../../src/peer/index.ts';
import {
  memberNames,
  quadraticTrainer,
  seededQuadratics,
  seededShare,
  virtualConsortium,
  virtualLimits,
  virtualMember,
  virtualPlan,
} from '../../src/simulate/index.ts';

/** What a peer is started with. */
export interface BenchPeerOptions {
  readonly number: number;
  readonly ports: readonly number[];
  readonly folder: string;
  /** Whether it has an update for each round; if nobody has, each round is VOID at its deadline, and decisions are all there is. */
  readonly isAuthor: boolean;
  /** Where it leaves, at its end, when the decision of each height was on its disk: ms since 1970, by height. */
  readonly decidedFile: string;
}

/** Between the start of a round and an update of it, ms. */
const trainMs = 200;
/** How long a round without updates is open, ms. */
const emptyRoundMs = 500;

const { number, ports, folder, isAuthor, decidedFile } = JSON.parse(
  process.argv[2] ?? '{}',
) as BenchPeerOptions;
const ids = memberNames(ports.length);
const seedOf = (name: string): Uint8Array => sha256(utf8(`bench/${name}`));
const keys = {
  signer: (name: string) => generateEd25519(seedOf(name)),
  sealKey: (name: string) => generateHpkeKey(seedOf(`seal/${name}`)),
};
const members = ids.map((id) => virtualMember(id, keys));
const own = members[number - 1];
if (own === undefined) throw new RangeError('a number from 1 on');
const roundTimeoutMs = isAuthor ? 60_000 : emptyRoundMs;
const plan = virtualPlan({ participants: ids, rounds: 100_000, roundTimeoutMs });
const facts = { name: 'bench', domain: 'bench.example', plan, limits: virtualLimits };
const consortium = virtualConsortium(members, facts);
const logger = { log: (): void => undefined };
const transport = await openLibp2pTransport({
  self: own.id,
  consortium: consortium.cid,
  members: members.map((one, at) => ({
    id: one.id,
    transportKey: one.keys.transport.publicKey,
    addresses: [`127.0.0.1:${ports[at]}`],
  })),
  privateKeySeed: seedOf(`${own.id}/transport`),
  listen: `127.0.0.1:${ports[number - 1]}`,
  settings: { ...networkDefaults, inboundConnectionThreshold: 10_000 },
  logger,
});
const store = diskStore(folder);
const append = store.append.bind(store);
const decidedMs: Record<string, number> = {};
store.append = async (name, bytes): Promise<void> => {
  await append(name, bytes);
  const height = /^wal\/\d+\/(\d+)\.log$/.exec(name)?.[1];
  const isDecision = height !== undefined && Buffer.from(bytes).includes('"t":"DEC"');
  if (isDecision) decidedMs[height] = Date.now();
};
const clock = systemClock();
const quadratic = seededQuadratics(1, ids).get(own.id);
if (quadratic === undefined) throw new RangeError('a hospital of the seed');
const training = {
  ...quadratic,
  share: seededShare,
  durationMs: () => (isAuthor ? trainMs : Infinity),
};
const peer = new Peer(
  {
    ...{ clock, store, transport, logger, crypto: systemCrypto },
    random: seededRandom(1).fork(own.id),
    trainer: quadraticTrainer(own.id, clock, store, training),
    averager: workerAverager(openAveragingPool(), folder),
  },
  {
    ...{ self: own.id, consortium, code: digestOf(utf8('bench')), tellsHistory: false },
    keys: { ...own.keys, sealPrivate: own.keys.seal.privateKey },
    ...{ consensus: consensusDefaults, settings: peerDefaults },
    onEvent: () => undefined,
    onFailure: (error) => {
      console.error(error);
      process.exit(1);
    },
  },
);
process.on('SIGTERM', () => {
  void peer.stop().then(() => {
    writeFileSync(decidedFile, JSON.stringify(decidedMs));
    process.exit(0);
  });
});
await peer.start();
