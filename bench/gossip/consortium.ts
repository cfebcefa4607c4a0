/**
 * `exact`, `sharded` and `mixing` side by side among 32 hospitals: bytes, time and error, of whole updates and of a byte a number.
 * Virtual machines with the peers of real hospitals, a small net's number of parameters, 10 MB/s up and down, 20 to 60 ms; each
 * hospital learns a quadratic of its own, so the right model is known. `node bench/gossip/consortium.ts [HOSPITALS [PARAMETERS [ROUNDS]]]`
 */
import { performance } from 'node:perf_hooks';
import { seededRandom, type NodeId } from '../../src/base/index.ts';
import {
  memberNames,
  quadraticTrainer,
  simulateConsortium,
  virtualPlan,
  type Quadratic,
  type VirtualWorld,
} from '../../src/simulate/index.ts';
import { decodeSafetensors } from '../../src/weights/index.ts';
import type { RoundRule, TravelCompression } from '../../src/wire/index.ts';

const [count = 32, size = 10_000, rounds = 5] = process.argv.slice(2).map(Number);
const members = memberNames(count);
const share = 0.5;
const mean = {
  ...{ samplesCap: 100, weightMax: 100, clampMicro: 1_000_000 },
  ...{ outerRateMicro: 1_000_000, outerMomentumMicro: 0 },
};
const mixed = {
  kind: 'mixing',
  steps: 0,
  epsilonNano: 10_000,
  patienceMs: 60_000,
  ...mean,
} as const;
const rules: readonly (readonly [string, RoundRule])[] = [
  ['exact', { kind: 'exact', ...mean }],
  ['sharded', { kind: 'sharded', reducers: 3, ...mean }],
  ['mixing, Base-2', { ...mixed, topology: { kind: 'base', k: 1 } }],
];

/** Changes as of a training: most of a number's own size, some of them large. 1 to 94 samples. */
const hospitals = new Map<NodeId, Quadratic>(
  members.map((id) => {
    const random = seededRandom(`consortium ${id}`);
    const optimum = Array.from({ length: size }, () => 0.02 * random.normal());
    return [id, { optimum, samples: 1 + random.integer(94) }];
  }),
);
const total = [...hospitals.values()].reduce((sum, { samples }) => sum + samples, 0);
const best = Array.from({ length: size }, (_, i) =>
  [...hospitals.values()].reduce(
    (sum, one) => sum + (one.samples * (one.optimum[i] ?? 0)) / total,
    0,
  ),
);

console.log(
  `${count} hospitals, ${size} parameters, ${rounds} rounds; a copy is 4 bytes a parameter`,
);
for (const [name, rule] of rules) {
  for (const compression of ['none', 'int8'] as const) await measure(name, rule, compression);
}

async function measure(
  name: string,
  rule: RoundRule,
  compression: 'none' | TravelCompression,
): Promise<void> {
  let world: VirtualWorld | undefined;
  const beganMs = performance.now();
  const beganCpu = process.cpuUsage();
  const record = await simulateConsortium({
    ...{ seed: 1, members, limits: { updateBytesMax: 5 * size + 100_000 } },
    network: { latencyMsMin: 20, latencyMsMax: 60, bytesPerSecond: 10_000_000 },
    settings: { tickMs: 10_000, holdsDelayMs: 1_000 },
    plan: virtualPlan({
      ...{ participants: members, rounds, roundTimeoutMs: 600_000 },
      rule: compression === 'none' ? rule : { ...rule, compression },
    }),
    trainerOf: (id, clock, store) =>
      quadraticTrainer(id, clock, store, {
        ...{ optimum: [], samples: 1, ...hospitals.get(id), share, durationMs: () => 1_000 },
      }),
    prepare: (made) => {
      world = made;
    },
  });
  const { user, system } = process.cpuUsage(beganCpu);
  const [node] = record.nodes;
  const digest = node?.models.student ?? '';
  const bytes = node && world?.node(node.id).disk.files.get(`blobs/${digest}`);
  const model = bytes === undefined ? null : decodeSafetensors(bytes).tensors[0]?.data;
  // By arithmetic, after so many rounds that go half of the way: what is left of the optimum, and what is beside it.
  const expected = best.map((x) => x * (1 - (1 - share) ** rounds));
  const norm = Math.hypot(...expected);
  const error = Math.hypot(...expected.map((x, i) => (model?.[i] ?? NaN) - x)) / norm;
  const sent = Math.max(...record.nodes.map(({ sentBytes }) => sentBytes)) / rounds;
  console.log(
    [
      `${name}, ${compression}`.padEnd(28),
      record.outcome,
      `${(sent / 1e3).toFixed(0)} kB up a round of the busiest (${(sent / (4 * size)).toFixed(2)} copies)`,
      `${(record.tookMs / 1000 / rounds).toFixed(1)} s a round`,
      `${((user + system) / 1e6).toFixed(1)} s of processor, ${((performance.now() - beganMs) / 1000).toFixed(0)} s`,
      `off by ${error.toExponential(1)} of the model`,
    ].join('  '),
  );
}
