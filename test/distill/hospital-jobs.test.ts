import { expect } from 'chai';

import {
  annotatorDefaults,
  phantomDefaults,
  scannerDefaults,
  type TaskId,
} from '../../src/data/index.ts';
import {
  caseCount,
  CaseStore,
  HospitalJobs,
  intensityDefaults,
  samplingDefaults,
  type MakeCasesArgs,
} from '../../src/distill/index.ts';
import { MemoryStore } from '../audit/memory-store.ts';
import { heldCase, tinySize, tinySpec, tinyWeights } from './training-cases.ts';

const hospital = {
  id: 'L1',
  cases: { hps: 2, ms: 0, calc: 1, unlabelled: 1, test: 1 },
  scanner: scannerDefaults,
  annotator: annotatorDefaults,
};
const at = { folder: 'L1', intensity: intensityDefaults, generation: 'expert' };
const silent = (): void => undefined;

describe('HospitalJobs', () => {
  const opened: HospitalJobs[] = [];
  const setUp = (): { store: MemoryStore; jobs: HospitalJobs } => {
    const store = new MemoryStore();
    const jobs = new HospitalJobs(() => store, { backend: 'cpu' });
    opened.push(jobs);
    return { store, jobs };
  };
  afterEach(async () => {
    for (const jobs of opened.splice(0)) await jobs.close();
  });
  const make = (jobs: HospitalJobs, from: number, to: number): Promise<void> => {
    const phantom = { ...phantomDefaults, shape: [16, 16, 16], spacingMm: [6, 6, 6] } as const;
    const marks = { seed: 1, phantom, pointRadiusMm: 9, heart: false };
    const args: MakeCasesArgs = { ...at, hospital, from, to, ...marks };
    return jobs.makeCases(args, silent);
  };

  it('makes the same cases in any order, labelled as the hospital labels', async () => {
    expect(caseCount(hospital)).equal(4); // max(2, 0, 1) + 1 to train, 1 held out
    const [one, other] = [setUp(), setUp()];
    await make(one.jobs, 0, 4);
    for (const n of [3, 1, 0, 2]) await make(other.jobs, n, n + 1);
    expect(new Map([...other.store.files].sort())).deep.equal(new Map([...one.store.files].sort()));
    const caseStore = new CaseStore(one.store, intensityDefaults);
    const labelled: TaskId[][] = [];
    for (const id of await caseStore.ids('train')) {
      labelled.push(Object.keys((await caseStore.read('train', id)).labels) as TaskId[]);
    }
    expect(labelled).deep.equal([['hps', 'calc'], ['hps'], []]);
    expect(await caseStore.ids('test')).deep.equal(['L1-0003']);
    expect([...one.store.files.keys()].filter((name) => name.startsWith('truth/'))).deep.equal([
      'truth/L1-0003.truth',
    ]);
  });

  it('checks a model on the first held-out case with a label of its tasks, or not at all', async () => {
    const { store, jobs } = setUp();
    const caseStore = new CaseStore(store, intensityDefaults);
    const args = {
      ...at,
      ...{ spec: tinySpec, weights: tinyWeights(), patch: tinySize, sampling: samplingDefaults },
      tasks: ['hps', 'calc'] as const,
    };
    expect(await jobs.check(args), 'nothing held out').equal(null);
    await caseStore.write('test', heldCase('a', {}));
    await caseStore.write('test', heldCase('b', { ms: new Uint8Array(512) }));
    expect(await jobs.check(args), 'no label of these tasks').equal(null);
    await caseStore.write('test', heldCase('c', { calc: new Uint8Array(512).fill(1, 100, 200) }));
    const loss = await jobs.check(args);
    expect(loss).a('number');
    expect(await jobs.check(args), 'again').equal(loss);
  });

  it('scores held-out cases by task, and says nothing of a task the model has no head for', async () => {
    const { jobs } = setUp();
    await make(jobs, 3, 4);
    const inference = { window: [16, 16, 16], overlap: 0, batch: 1 } as const;
    const args = { ...at, spec: tinySpec, weights: tinyWeights(), inference };
    const [scored, ...more] = await jobs.evaluate(
      { ...args, tasks: ['hps', 'ms', 'calc'] },
      silent,
    );
    expect(more).deep.equal([]);
    expect(scored?.scores.map(({ label }) => label)).deep.equal([
      ...['RCC', 'LCC', 'NCC', 'RCA', 'LCA', 'calcium'],
    ]);
    expect(await jobs.evaluate({ ...args, tasks: ['hps'], casesMax: 0 }, silent)).deep.equal([]);
    expect(await jobs.picture({ ...args, caseIndex: 7 })).equal(null);
  });
});
