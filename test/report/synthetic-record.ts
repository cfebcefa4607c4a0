/** A made-up run with everything a report can show: all hospitals, a kill, an excluded node, slices. */
import { createHash } from 'node:crypto';
import { base64, seededRandom, type Random } from '../../src/base/index.ts';
import type {
  EvaluationGroup,
  EvaluationRow,
  RoundRecord,
  RunRecord,
  SlicePicture,
} from '../../src/report/index.ts';

const ids = ['L1', 'L2', 'L3', 'L4', 'L5', 'L6', 'L7', 'L8'];
const labelled: Record<string, Record<string, number>> = {
  L1: { hps: 11, ms: 10, calc: 11 },
  L2: { hps: 5, calc: 5 },
  L3: { hps: 5, ms: 5 },
  L4: { hps: 6 },
  L5: {},
  L6: { hps: 5, calc: 5 },
  L7: { hps: 6, ms: 6 },
  L8: { hps: 5 },
};
const tasks = [
  {
    id: 'hps',
    title: 'hinge points and coronary ostia',
    kind: 'points' as const,
    labels: ['RCC', 'LCC', 'NCC', 'RCA', 'LCA'],
  },
  { id: 'ms', title: 'membranous septum', kind: 'points' as const, labels: ['MS1', 'MS2'] },
  { id: 'calc', title: 'calcification', kind: 'segmentation' as const, labels: ['calcium'] },
];

/** Digest-like text for `name`. */
export function fakeDigest(name: string): string {
  return createHash('sha256').update(name).digest('hex');
}

export function syntheticRecord(): RunRecord {
  const random = seededRandom('synthetic record');
  const rounds = makeRounds(random);
  const sealedDigest = rounds.at(-1)?.modelDigest ?? null;
  const { rows, groups } = makeEvaluation(random);
  return {
    version: 1,
    id: 'eight-hospitals-1',
    preset: 'eight hospitals',
    seed: 1,
    startedAt: '2026-01-15T09:30:00.000Z',
    finishedAt: '2026-01-15T09:38:41.000Z',
    virtual: null,
    machine: {
      platform: 'linux x64',
      processor: 'Example Processor 3.0 GHz',
      processorCount: 2,
      memoryBytes: 16 * 2 ** 30,
      peakMemoryBytes: 1.7 * 2 ** 30,
      versions: { annulus: '0.1.0', node: '22.23.3', libp2p: '3.3.11', tfjs: '4.22.0' },
      backend: 'wasm',
      workers: 2,
    },
    consortium: {
      name: 'Eight hospitals',
      id: fakeDigest('manifest'),
      tasks,
      hospitals: ids.map((id) => ({
        id,
        labelled: labelled[id] ?? {},
        training: 9,
        test: id === 'L5' ? 8 : 4,
        scanner: 'blur 1.2 mm, noise 16 HU, contrast 390 HU',
        annotator: id === 'L5' ? 'none' : 'bias 0.5 mm, scatter 0.8 mm',
      })),
    },
    stages: [
      { id: 'data', title: 'phantoms', ms: 31_000 },
      { id: 'network', title: 'network and manifest', ms: 1_800 },
      { id: 'teacher-hps', title: 'teacher hps', ms: 88_000 },
      { id: 'teacher-ms', title: 'teacher ms', ms: 41_000 },
      { id: 'teacher-calc', title: 'teacher calc', ms: 45_000 },
      { id: 'pseudo', title: 'pseudo-labels', ms: 52_000 },
      { id: 'student', title: 'student', ms: 214_000 },
      { id: 'evaluation', title: 'evaluation', ms: 48_200 },
    ],
    rounds,
    evaluation: rows,
    groups,
    slices: [
      makeSlice('L5, case 0003, aortic root', random, 12),
      makeSlice('L8, case 0006, aortic root', random, -8),
      makeSlice('L5, case 0005, along the outflow', random, 3),
      makeSlice('Real CT (no truth), axial', random, 20),
    ],
    nodes: ids.map((id) => ({
      id,
      sentBytes: Math.round(38e6 + random.uniform() * 21e6),
      receivedBytes: Math.round(41e6 + random.uniform() * 9e6),
      modelDigest: sealedDigest,
      logSize: 171,
      logRoot: fakeDigest('root'),
      height: 52,
    })),
    sealedDigest,
    log: {
      ok: true,
      nodesVerified: 8,
      entries: 171,
      root: fakeDigest('root'),
      cosignatures: 8,
      quorum: 6,
      findings: [],
    },
    faults: [
      {
        node: 'L3',
        kind: 'killed',
        stage: 'student',
        round: 2,
        atMs: 294_000,
        note: 'Stopped in the middle of its local steps, on request (--kill L3@student:2).',
      },
      {
        node: 'L3',
        kind: 'excluded',
        stage: 'student',
        round: 2,
        atMs: 311_000,
        note: 'The others sealed the round without it.',
      },
      {
        node: 'L3',
        kind: 'restarted',
        stage: 'student',
        round: 3,
        atMs: 322_000,
        note: 'Started again from its own disk.',
      },
      {
        node: 'L3',
        kind: 'caught-up',
        stage: 'student',
        round: 3,
        atMs: 324_600,
        note: 'Fetched 2 blocks and 1 model; its digest is the same as everybody’s.',
      },
    ],
    settings: { preset: 'eight hospitals', seed: 1 },
  };
}

function makeRounds(random: Random): RoundRecord[] {
  const stages: [string, string | null, number][] = [
    ['teacher-hps', 'hps', 6],
    ['teacher-ms', 'ms', 6],
    ['teacher-calc', 'calc', 6],
    ['student', null, 8],
  ];
  const rounds: RoundRecord[] = [];
  for (const [stage, task, count] of stages) {
    const members = ids.filter((id) => task === null || (labelled[id]?.[task] ?? 0) > 0);
    for (let stageRound = 1; stageRound <= count; stageRound++) {
      const killed = stage === 'student' && stageRound === 2;
      const participants = members
        .filter((id) => !(killed && id === 'L3'))
        .map((node) => ({
          node,
          weight: task === null ? 12 : (labelled[node]?.[task] ?? 0),
          loss: 0.35 + 1.3 * Math.exp(-stageRound / 2.4) + 0.12 * random.uniform(),
        }));
      const decay = Math.exp(-stageRound / 2.2);
      const checks = tasks
        .filter(({ id }) => task === null || id === task)
        .map(({ id, kind }) =>
          kind === 'points'
            ? { task: id, unit: 'mm' as const, value: 3.6 + 18 * decay + random.uniform() }
            : {
                task: id,
                unit: 'dice' as const,
                value: 0.66 * (1 - decay) + 0.03 * random.uniform(),
              },
        );
      const round = rounds.length + 1;
      rounds.push({
        round,
        stage,
        stageRound,
        outcome: 'sealed',
        height: round * 3,
        ms: 12_000 + 9_000 * random.uniform(),
        participants,
        excluded: killed ? [{ node: 'L3', reason: 'not heard of for 20 s' }] : [],
        modelDigest: fakeDigest(`${stage} ${stageRound}`),
        updateBytes: task === null ? 3_900_000 : 330_000,
        checks,
      });
    }
  }
  return rounds;
}

function makeEvaluation(random: Random): { rows: EvaluationRow[]; groups: EvaluationGroup[] } {
  const rows: EvaluationRow[] = [];
  const groups: EvaluationGroup[] = [];
  for (const model of ['student', 'teacher']) {
    for (const { id: task, kind } of tasks) {
      const unit = kind === 'points' ? 'mm' : 'dice';
      const pool: Record<'training' | 'other', number[]> = { training: [], other: [] };
      for (const hospital of ids) {
        const group = (labelled[hospital]?.[task] ?? 0) > 0 ? 'training' : 'other';
        const shift = (group === 'other' ? 0.9 : 0) + (model === 'teacher' ? 0.7 : 0);
        const values = Array.from({ length: kind === 'points' ? 20 : 4 }, () =>
          unit === 'mm'
            ? Math.abs(3.2 + shift + 1.6 * random.normal()) + (random.uniform() < 0.04 ? 14 : 0)
            : Math.max(0, Math.min(1, 0.66 - shift / 12 + 0.1 * random.normal())),
        );
        pool[group].push(...values);
        const sorted = [...values].sort((a, b) => a - b);
        const at = (share: number): number => sorted[Math.round(share * (sorted.length - 1))] ?? 0;
        rows.push({
          model,
          task,
          hospital,
          group,
          unit,
          value: {
            n: values.length,
            median: at(0.5),
            lowerQuartile: at(0.25),
            upperQuartile: at(0.75),
          },
          missRate: kind === 'points' ? (hospital === 'L8' ? 0.05 : 0) : null,
          undefinedCount: kind === 'points' ? 0 : 1,
        });
      }
      for (const group of ['training', 'other'] as const) {
        const missRate = kind === 'points' ? (group === 'other' ? 0.021 : 0.006) : null;
        groups.push({ model, task, group, unit, values: pool[group], missRate });
      }
    }
  }
  return { rows, groups };
}

function makeSlice(title: string, random: Random, shift: number): SlicePicture {
  const width = 96;
  const height = 96;
  const gray = new Uint8Array(width * height);
  const truth = new Uint8Array(width * height);
  const predicted = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const body = Math.hypot(x - 48, (y - 48) * 1.1) < 45 ? 70 : 8;
      const heart = Math.hypot((x - 50) / 30, (y - 52) / 26) < 1 ? 60 : 0;
      const root = Math.hypot(x - 48, y - 46 - shift / 4) < 12 ? 70 : 0;
      const i = y * width + x;
      if (Math.hypot(x - 55, (y - 41 - shift / 4) * 1.6) < 4) truth[i] = 1;
      if (Math.hypot(x - 55.8, (y - 41.4 - shift / 4) * 1.4) < 4) predicted[i] = 1;
      gray[i] = Math.max(
        0,
        Math.min(255, body + heart + root + (truth[i] ?? 0) * 90 + 7 * random.normal()),
      );
    }
  }
  const angles = { RCC: -1.9, LCC: 0.2, NCC: 2.3 };
  return {
    title,
    caption: 'Plane of the hinge points; calcium 0.71 Dice, points 3.1 mm',
    width,
    height,
    pixelAspect: 1,
    pixelMm: 1.5,
    sides: { left: 'R', right: 'L', top: 'A', bottom: 'P' },
    gray: base64(gray),
    points: Object.entries(angles).flatMap(([label, angle], index) => {
      const x = 48 + 11 * Math.cos(angle);
      const y = 46 + shift / 4 + 11 * Math.sin(angle);
      return [
        { x, y, label, kind: 'truth' as const, offSliceMm: index * 2 },
        { x: x + 1.3, y: y - 0.9, label, kind: 'predicted' as const, offSliceMm: index * 3 },
      ];
    }),
    areas: [
      { kind: 'truth', mask: base64(truth) },
      { kind: 'predicted', mask: base64(predicted) },
    ],
  };
}
