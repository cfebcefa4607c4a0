import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { loadPreset, loadSection } from '../../../src/config/index.ts';
import { labForm, runLab } from '../../../src/experiment/index.ts';
import { phantomSide } from '../../../src/experiment/lab/joint-checks.ts';
import { NetworkCases } from '../../../src/experiment/lab/network-cases.ts';
import {
  networkSampling,
  networkTask,
  type NetworkTask,
} from '../../../src/experiment/lab/network-task.ts';
import { decodeState } from '../../../src/experiment/lab/state-file.ts';
import type { TrainedRows } from '../../../src/experiment/lab/task.ts';
import { projectRoot } from '../../project-root.ts';
import { order, run, settingsWith, type Changes } from './lab-orders.ts';

const task = {
  ...{ kind: 'teacher', samples: 16, channels: 4, spacingMm: 6, patch: 16, heldOut: 1 },
};
const training = { algorithm: 'local-sgd', localSteps: 1, learningRate: 0.015, batch: 1 };
const small: Changes = {
  ...{ nodes: 2, rounds: 2, measureEvery: 2, training },
  task: { ...task, samples: 4 },
};

describe('a teacher of the laboratory', function () {
  this.timeout(120_000);

  it('draws its patches as the main job does', () => {
    const preset = join(projectRoot, 'config', 'eight-hospitals.yaml');
    const { sampling } = loadPreset(readFileSync(preset, 'utf8'), preset, []);
    expect(networkSampling).deep.equal(sampling);
  });

  it('has losses that arithmetic says where it knows nothing', async () => {
    await withTask({}, async (teacher) => {
      const settings = settingsWith(small);
      const [held] = new NetworkCases(settings).heldOut();
      // With zeros for weights all of six and of three classes are as likely: cross-entropy ln 6 and ln 3. Soft Dice of a
      // label of n voxels among N: (2n/K + 1) / (N/K + n + 1).
      let expected = Math.log(6) + Math.log(3);
      for (const [head, classes] of [
        ['hps', 6],
        ['ms', 3],
      ] as const) {
        const map = held?.whole.labels.get(head) ?? new Int32Array(0);
        expect(map.length).equal(24 ** 3);
        for (let value = 1; value < classes; value++) {
          const n = map.filter((voxel) => voxel === value).length;
          const dice = ((2 * n) / classes + 1) / (map.length / classes + n + 1);
          expected -= dice / (classes - 1);
        }
      }
      // The least is -1 for each of the two heads.
      const zeros = new Float64Array(teacher.dimension);
      expect(await teacher.error(zeros)).closeTo(expected + 2, 1e-4);
      expect(await teacher.testError(zeros)).equal(null);
    });
  });

  it('lowers its loss by its steps, and remembers them', async () => {
    const more = { training: { ...training, localSteps: 12 } };
    await withTask(more, async (teacher, rows) => {
      const before = await teacher.localLoss(0, rows.model);
      await teacher.train(1, 0, rows);
      expect(await teacher.localLoss(0, rows.model)).lessThan(before - 0.05);
      expect(rows.kept[0]).equal(12);
      await teacher.train(2, 0, rows);
      expect(rows.kept[0]).equal(24);
    });
  });

  it('leaves a model beyond all bounds as no number', async () => {
    await withTask({}, async (teacher, rows) => {
      rows.model.fill(3e38);
      await teacher.train(1, 0, rows);
      expect(rows.model.every(Number.isNaN)).equal(true);
    });
  });

  it('is the same bytes with two threads, and when it goes on from a fork or a snapshot', async () => {
    const first = await run(small, { snapshots: [1, 2] });
    expect(bytesOf(await run(small, { workers: 2, snapshots: [1, 2] }))).equal(bytesOf(first));
    const kept = decodeState(first.states.get(1) ?? new Uint8Array(), 'state');
    const settings = settingsWith(small);
    const plan = { settings, files: {} };
    const fork = { ...plan, fork: { from: { ...plan, fork: null }, round: 1 } };
    const computed = await runLab(fork, { ...order, snapshots: [2] });
    const fromKept = await runLab(fork, { ...order, snapshots: [2], state: kept });
    for (const again of [computed, fromKept]) {
      expect(stateOf(again)).equal(stateOf(first));
    }
  });

  it('learns where nobody waits', async () => {
    const { record } = await run({ ...small, rounds: 1, mode: 'asynchronous' });
    expect(record.final.steps).equal(2);
  });

  it('has a student beside it, by the same steps', async () => {
    await withTask({ task: { ...task, samples: 4, kind: 'student' } }, async (student, rows) => {
      const before = rows.model.slice();
      await student.train(1, 0, rows);
      expect(rows.model.some((value, at) => value !== before[at])).equal(true);
      expect(rows.model.every(Number.isFinite)).equal(true);
    });
  });
});

describe('cases of a network', () => {
  it('span the heart on a side that can be halved three times', () => {
    // 144 / 6 = 24; 144 / 4.5 = 32; 144 / 4 = 36, of which 40 is the next multiple of 8.
    expect([6, 4.5, 4].map(phantomSide)).deep.equal([24, 32, 40]);
  });

  it('all have hinge points, and every second one the septum: who holds which follows the partition', () => {
    const headsOf = (kind: string): string[][] => {
      const cases = new NetworkCases(settingsWith({ nodes: 4, task, partition: { kind } }));
      return [0, 1, 2, 3].map((node) =>
        cases.of(node).map(({ labels }) => [...labels.keys()].join('+')),
      );
    };
    const even = headsOf('iid');
    expect(even.map(({ length }) => length)).deep.equal([4, 4, 4, 4]);
    expect(even.flat().filter((heads) => heads === 'hps+ms').length).equal(8);
    // By label there are two pieces of two for each node, all of one sort.
    for (const heads of headsOf('label')) {
      expect(heads.filter((one) => one === 'hps+ms').length % 2, heads.join()).equal(0);
    }
  });

  it('of a scanner are brighter or darker by one number', () => {
    const imageOf = (kind: string): Float32Array => {
      const cases = new NetworkCases(settingsWith({ nodes: 16, task, partition: { kind } }));
      return cases.of(0)[0]?.image ?? new Float32Array(0);
    };
    const [plain, shifted] = [imageOf('iid'), imageOf('scanner')];
    const by = (shifted[0] ?? 0) - (plain[0] ?? 0);
    expect(Math.abs(by)).greaterThan(1e-3);
    expect(shifted.every((value, at) => Math.abs(value - (plain[at] ?? 0) - by) < 1e-5)).equal(
      true,
    );
  });
});

describe('settings of a network', () => {
  const good = 'kind: teacher, samples: 16';

  it('are taken', () => {
    expect(read(`task: { ${good} }, training: { batch: 1 }`).task.kind).equal('teacher');
  });

  for (const [text, expected] of [
    [`task: { ${good} }, training: { batch: 0 }`, 'at least one patch for a teacher'],
    [`precision: f64, task: { ${good} }, training: { batch: 1 }`, 'f32 for a teacher'],
    [`task: { ${good}, patch: 20 }, training: { batch: 1 }`, 'a multiple of 8 up to 32'],
    [
      `task: { ${good}, spacingMm: 6, patch: 32 }, training: { batch: 1 }`,
      'a multiple of 8 up to 24',
    ],
    [
      'task: { kind: student, samples: 16, channels: 5 }, training: { batch: 1 }',
      'an even number for a student',
    ],
    [`task: { ${good}, backend: gpu }, training: { batch: 1 }`, 'wasm'],
    [`task: { ${good}, heldOut: 0 }, training: { batch: 1 }`, '1 to 64'],
  ] as const) {
    it(`are refused: ${text}`, () => {
      expect(() => read(text)).throws(expected);
    });
  }
});

function read(text: string): ReturnType<typeof settingsWith> {
  return loadSection(`lab: { ${text} }`, 'p.yaml', labForm);
}

/** A task with the first node's rows, closed at the end. */
async function withTask(
  changes: Changes,
  use: (teacher: NetworkTask, rows: TrainedRows) => Promise<void>,
): Promise<void> {
  const teacher = await networkTask(settingsWith({ ...small, ...changes }));
  try {
    const model = new Float64Array(teacher.dimension);
    teacher.start(0, model);
    await use(teacher, { model, kept: new Float64Array(teacher.keptLength) });
  } finally {
    teacher.close();
  }
}

function bytesOf({ record, rounds, states }: Awaited<ReturnType<typeof runLab>>): string {
  return JSON.stringify([record, rounds, Buffer.from(states.get(1) ?? []).toString('hex')]);
}

function stateOf({ states }: Awaited<ReturnType<typeof runLab>>): string {
  return Buffer.from(states.get(2) ?? []).toString('base64');
}
