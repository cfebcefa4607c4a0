/** A made-up reproduction with everything its report can show: six arms, a long tail, missed points, two seeds. */
import { seededRandom, type Random } from '../../src/base/index.ts';
import type {
  ClientGroup,
  DownstreamFigures,
  GroupFigures,
  HospitalFigures,
  ReproductionRecord,
} from '../../src/report/index.ts';
import { quantile } from '../../src/report/figures.ts';
import { fakeDigest, syntheticRecord } from './synthetic-record.ts';

const arms = [
  { id: 'unet-local', title: 'U-Net local', network: 'unet' as const },
  { id: 'swin-local', title: 'SwinUNETR local', network: 'swin' as const },
  { id: 'unet-federated', title: 'Fed U-Net', network: 'unet' as const },
  { id: 'swin-federated', title: 'Fed SwinUNETR', network: 'swin' as const },
  { id: 'unet-distilled', title: 'Fed KD U-Net', network: 'unet' as const },
  { id: 'swin-distilled', title: 'Fed KD SwinUNETR', network: 'swin' as const },
];
const seeds = [1, 2];

export function syntheticReproduction(): ReproductionRecord {
  const random = seededRandom('synthetic reproduction');
  const { tasks, hospitals } = syntheticRecord().consortium;
  const pairs = arms.flatMap((arm) => tasks.map((task) => ({ arm: arm.id, task })));
  const groups = pairs.flatMap(({ arm, task }) =>
    (['training', 'other'] as const).flatMap((group) =>
      [null, ...seeds].map((seed): GroupFigures => {
        const values = draw(random, arm, task.kind, group, seed === null ? 240 : 120);
        const figures = figuresOf(values, task.kind, arm === 'swin-local' ? 0.18 : 0.01);
        return { arm, task: task.id, group, seed, ...figures, values: seed === null ? values : [] };
      }),
    ),
  );
  const hospitalFigures = pairs.flatMap(({ arm, task }) =>
    hospitals.map(({ id, labelled }): HospitalFigures => {
      const group = (labelled[task.id] ?? 0) > 0 ? 'training' : 'other';
      const figures = figuresOf(draw(random, arm, task.kind, group, 20), task.kind, 0);
      return { arm, task: task.id, hospital: id, group, ...figures };
    }),
  );
  return {
    version: 1,
    preset: 'reproduce',
    seeds,
    backend: 'native avx2',
    tasks,
    hospitals,
    arms,
    models: seeds.flatMap((seed) =>
      arms.map(({ id }) => ({
        ...{ seed, id, arm: id, tasks: ['hps'], hospitals: ['L1', 'L2'], steps: 300 },
        ...{ parameterCount: 151_234, digest: fakeDigest(`${id} ${seed}`), losses: [0.9, -0.6] },
      })),
    ),
    groups,
    hospitalFigures,
    verdicts: [
      verdict('best', true, [true, false]),
      verdict('worst', false, [false, true]),
      verdict('none', null, [null, null]),
    ],
    downstream: {
      ...{ landmark: 'STJ', trainingCases: 8, steps: 200 },
      figures: ['unet-federated', 'swin-distilled'].flatMap((arm) =>
        [null, ...seeds].map((seed): DownstreamFigures => {
          const values = draw(random, arm, 'points', 'other', 48);
          const figures = figuresOf(values, 'points', 0);
          return { arm, seed, ...figures, values: seed === null ? values : [] };
        }),
      ),
    },
    paper: [
      { arm: 'swin-distilled', task: 'ms', group: 'training', median: 2.6 },
      { arm: 'swin-distilled', task: 'ms', group: 'other', median: 2.8 },
    ],
    settings: { training: { clamp: 1 } },
  };
}

function verdict(
  id: string,
  holds: boolean | null,
  bySeed: readonly (boolean | null)[],
): ReproductionRecord['verdicts'][number] {
  return {
    ...{
      id,
      claim: `The distilled SwinUNETR is the ${id} of all arms in ms on other clients`,
      holds,
    },
    figures: '2.84 mm; best of the others: Fed U-Net 2.99 mm (0.4 % missed)',
    bySeed: bySeed.map((one, n) => ({ seed: n + 1, holds: one, figures: '2.84 mm' })),
    paper: { holds: true, figures: '2.80 mm; best of the others: Fed U-Net 3.00 mm' },
  };
}

/** Distances around 3 mm, Dice around 0.7; the local transformer has a long tail at other clients. */
function draw(
  random: Random,
  arm: string,
  kind: 'points' | 'segmentation',
  group: ClientGroup,
  count: number,
): number[] {
  const isLost = arm === 'swin-local' && group === 'other';
  return Array.from({ length: count }, () => {
    const spread = Math.abs(random.normal());
    if (kind === 'segmentation') return Math.max(0, (isLost ? 0.45 : 0.72) - 0.15 * spread);
    return (isLost ? 4 : 2.4) + spread * (isLost ? 30 : 1.6);
  });
}

function figuresOf(
  values: readonly number[],
  kind: 'points' | 'segmentation',
  missRate: number,
): Omit<HospitalFigures, 'arm' | 'task' | 'hospital' | 'group'> {
  const median = quantile(values, 0.5);
  const isPoints = kind === 'points';
  return {
    ...{ unit: isPoints ? 'mm' : 'dice', n: values.length, median, medianWithMissed: median },
    ...{ lowerQuartile: quantile(values, 0.25), upperQuartile: quantile(values, 0.75) },
    interval: { low: (median ?? 0) * 0.95, high: (median ?? 0) * 1.05 },
    ...{ missRate: isPoints ? missRate : null, undefinedCount: isPoints ? 0 : 2 },
    ...{ annotatorMedian: isPoints ? (median ?? 0) + 0.4 : null, calibrationError: 0.123 },
  };
}
