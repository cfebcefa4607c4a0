import { expect } from 'chai';
import type { DownstreamFigures, GroupFigures, VerdictRecord } from '../../../src/report/index.ts';
import { taskIds, type TaskId } from '../../../src/data/index.ts';
import { arms } from '../../../src/experiment/paper/experiments.ts';
import { paperMedians } from '../../../src/experiment/paper/paper.ts';
import { downstreamVerdict, verdictsOf } from '../../../src/experiment/paper/verdicts.ts';

/** All arms at 3 mm and Dice 0.6, but for what is said of some on other clients. */
function groupsWith(
  changed: Readonly<Partial<Record<string, number | null>>>,
  task: TaskId,
  group: 'training' | 'other' = 'other',
): GroupFigures[] {
  return arms.flatMap(({ id: arm }) =>
    taskIds.flatMap((one) =>
      (['training', 'other'] as const).map((clients): GroupFigures => {
        const usual = one === 'calc' ? 0.6 : 3;
        const own = one === task && clients === group ? changed[arm] : undefined;
        const median = own === undefined ? usual : own;
        return {
          ...{ arm, task: one, group: clients, seed: null, values: [], n: 10 },
          ...{ unit: one === 'calc' ? 'dice' : 'mm', median, medianWithMissed: median },
          ...{
            lowerQuartile: null,
            upperQuartile: null,
            interval: null,
            annotatorMedian: null,
            calibrationError: null,
          },
          ...{ missRate: one === 'calc' ? null : median === null ? 0.5 : 0, undefinedCount: 0 },
        };
      }),
    ),
  );
}

function verdict(id: string, groups: readonly GroupFigures[]): VerdictRecord {
  const found = verdictsOf(taskIds, [], groups, paperMedians).find((one) => one.id === id);
  if (found === undefined) throw new Error(`no verdict ${id}`);
  return found;
}

describe('verdicts', () => {
  it('call the student the best in ms when no other arm is nearer', () => {
    const holds = (own: number | null, other: number | null): boolean | null =>
      verdict(
        'distilled-best-ms',
        groupsWith({ 'swin-distilled': own, 'unet-federated': other }, 'ms'),
      ).holds;
    expect(holds(2.9, 2.95)).equal(true);
    expect(holds(2.9, 2.9)).equal(true);
    expect(holds(2.96, 2.95)).equal(false);
    expect(holds(null, 2.9), 'half of its points missed').equal(false);
  });

  it('grant a tenth in hps: 2 mm against 2.2 mm, not against 2.21 mm', () => {
    const holds = (own: number): boolean | null =>
      verdict(
        'distilled-near-best-hps',
        groupsWith({ 'swin-distilled': own, 'unet-local': 2 }, 'hps'),
      ).holds;
    expect([holds(1.9), holds(2.2), holds(2.21)]).deep.equal([true, true, false]);
  });

  it('call the local SwinUNETR the worst when it alone is farthest, or has the lowest Dice', () => {
    const holds = (task: TaskId, own: number | null, other: number | null): boolean | null =>
      verdict(
        `local-swin-worst-${task}`,
        groupsWith({ 'swin-local': own, 'unet-distilled': other }, task),
      ).holds;
    expect(holds('hps', 5, 4)).equal(true);
    expect(holds('hps', 4, 4)).equal(false);
    expect(holds('hps', null, 99), 'half of its points missed').equal(true);
    expect(holds('hps', 99, null)).equal(false);
    expect(holds('calc', 0.3, 0.4)).equal(true);
    expect(holds('calc', 0.7, 0.4)).equal(false);
  });

  it('grant the student 15 % beside each teacher, on either group of clients', () => {
    const holds = (task: TaskId, own: number, teacher: number): boolean | null =>
      verdict(
        `student-replaces-teacher-${task}-training`,
        groupsWith({ 'swin-distilled': own, 'unet-federated': teacher }, task, 'training'),
      ).holds;
    expect([holds('hps', 2.29, 2), holds('hps', 2.31, 2)]).deep.equal([true, false]);
    expect(holds('calc', 0, 0), 'neither finds any calcium').equal(false);
    // 0.6 · 0.85 = 0.51.
    expect([holds('calc', 0.52, 0.6), holds('calc', 0.5, 0.6)]).deep.equal([true, false]);
    expect(verdict('student-replaces-teacher-hps-other', groupsWith({}, 'hps')).figures).equal(
      'student 3.00 mm, teacher 3.00 mm',
    );
  });

  it('read from the paper what its own table says', () => {
    // Its table: ms, other clients: 2.8 is the lowest; hps: 3.1 is; the local SwinUNETR is worst in hps (4.8) alone,
    // since U-Net local has 4.6 against 3.9 in ms, and Fed U-Net .43 against .47 in calc.
    const said = verdictsOf(taskIds, [], groupsWith({}, 'hps'), paperMedians);
    expect(said.filter(({ paper }) => paper.holds !== true).map(({ id }) => id)).deep.equal([
      'local-swin-worst-ms',
      'local-swin-worst-calc',
    ]);
  });

  it("prefer the student's backbone where its probe is nearer, misses counted", () => {
    const figures = (
      arm: string,
      seed: number | null,
      median: number | null,
    ): DownstreamFigures => ({
      ...{ arm, seed, values: [], unit: 'mm', n: 10, median, medianWithMissed: median },
      ...{ lowerQuartile: null, upperQuartile: null, interval: null },
      ...{ missRate: median === null ? 0.5 : 0, undefinedCount: 0 },
    });
    const said = downstreamVerdict(
      [1, 2],
      [
        ...[figures('swin-distilled', null, 1.5), figures('unet-federated', null, 2)],
        ...[figures('swin-distilled', 1, 2), figures('unet-federated', 1, 2)],
        ...[figures('swin-distilled', 2, 3), figures('unet-federated', 2, null)],
      ],
    );
    expect([said.holds, ...said.bySeed.map(({ holds }) => holds)]).deep.equal([true, false, true]);
    expect(downstreamVerdict([], []).holds).equal(null);
  });

  it('decide nothing where nothing was measured, and ask nothing of a task that nobody labelled', () => {
    expect(verdict('distilled-best-ms', []).holds).equal(null);
    const ids = verdictsOf(['hps'], [], [], paperMedians).map(({ id }) => id);
    expect(ids).deep.equal([
      'distilled-near-best-hps',
      'local-swin-worst-hps',
      'student-replaces-teacher-hps-other',
      'student-replaces-teacher-hps-training',
    ]);
  });
});
