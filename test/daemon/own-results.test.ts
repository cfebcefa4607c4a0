import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { seededRandom, type Clock, type Digest, type NodeId } from '../../src/base/index.ts';
import {
  nextResult,
  OwnResults,
  packagedDigest,
  type ResultsDone,
  type ResultsNode,
} from '../../src/daemon/own-results.ts';
import type { NodeFact } from '../../src/dashboard/index.ts';
import { annotatorDefaults, phantomDefaults, scannerDefaults } from '../../src/data/index.ts';
import { decodeStudent, HospitalJobs } from '../../src/distill/index.ts';
import { diskStore, HostError } from '../../src/host/index.ts';
import { HospitalError } from '../../src/hospital/errors.ts';
import {
  imagesOf,
  OwnResultJobs,
  ResultJobs,
  type CasesAt,
  type HeldOutErrors,
  type SealedModel,
} from '../../src/hospital/index.ts';
import { errorsOf } from '../../src/hospital/result-jobs.ts';
import { initialWeights, readModelSpec } from '../../src/models/index.ts';
import { modelDigest, writeModel } from '../../src/weights/index.ts';
import type { Plan, PlanStage } from '../../src/wire/index.ts';
import { plainImages, sampleStage, teacherTraining } from '../wire/sample-stage.ts';

const l1 = 'L1' as NodeId;

function stageOf(id: string, heads: Record<string, number>): PlanStage {
  const isTeacher = id !== 'student';
  return sampleStage({
    ...{ id, participants: [l1], rounds: 2, kind: isTeacher ? 'teacher' : 'student' },
    ...(isTeacher ? { task: id, training: teacherTraining } : {}),
    model: {
      ...{ kind: 'unet', inChannels: 1, features: [2, 4], strides: [1, 2], convsPerStage: 1 },
      ...{ heads, deepSupervision: false, dropoutMilli: 0 },
    },
  });
}

const calc = stageOf('calc', { calc: 2 });
const hps = stageOf('hps', { hps: 6 });
const student = stageOf('student', { calc: 2, hps: 6 });
const plan: Plan = { seed: 7, images: plainImages, stages: [calc, hps, student] };
const digestOf = (letter: string): Digest => letter.repeat(64) as Digest;
const [a, b, c, d] = ['a', 'b', 'c', 'd'].map(digestOf) as [Digest, Digest, Digest, Digest];
const nothing: ResultsDone = { packaged: null, pictured: null, measuredRound: 0 };
const models = (of: Record<string, Digest>): Map<string, Digest> => new Map(Object.entries(of));

describe('nextResult', () => {
  it('is nothing before a seal, and then the errors of the last round', () => {
    const begun = { stageIndex: 0, models: models({}) };
    expect(nextResult(plan, begun, null, nothing)).equal(null);
    const state = { stageIndex: 0, models: models({ calc: a }) };
    const last = { round: 1, stage: 'calc', model: a };
    expect(nextResult(plan, state, last, nothing)).deep.equal({
      ...{ kind: 'errors', stage: calc, digest: a },
    });
    expect(nextResult(plan, state, last, { ...nothing, measuredRound: 1 })).equal(null);
    // A round of a stage that is not of the plan.
    expect(nextResult(plan, state, { ...last, stage: 'other' }, nothing)).equal(null);
  });

  it('shows a case once a stage with points is complete, and not before', () => {
    const last = { round: 4, stage: 'hps', model: b };
    const done = { ...nothing, measuredRound: 4 };
    const state = { stageIndex: 1, models: models({ calc: a, hps: b }) };
    expect(nextResult(plan, state, last, done), 'calcium is none').equal(null);
    const complete = { ...state, stageIndex: 2 };
    expect(nextResult(plan, complete, last, done)).deep.include({ kind: 'picture', digest: b });
    expect(nextResult(plan, complete, last, { ...done, pictured: b })).equal(null);
    // What the next round makes old comes first.
    expect(nextResult(plan, complete, last, nothing)).deep.include({ kind: 'errors' });
  });

  it('packages the student when its stage is complete, and again after a later one', () => {
    const sealed = models({ calc: a, hps: b, student: c });
    const last = { round: 6, stage: 'student', model: c };
    const done = { packaged: null, pictured: b, measuredRound: 6 };
    expect(nextResult(plan, { stageIndex: 2, models: sealed }, last, done)).equal(null);
    const complete = { stageIndex: 3, models: sealed };
    expect(nextResult(plan, complete, last, nothing)).deep.equal({
      ...{ kind: 'package', stage: student, digest: c },
    });
    expect(nextResult(plan, complete, last, { ...done, packaged: c, pictured: c })).equal(null);
    // Opened again: it is under way, and then complete with another model.
    const later = models({ calc: a, hps: b, student: d });
    const all = { packaged: c, pictured: b, measuredRound: 8 };
    expect(nextResult(plan, { stageIndex: 2, models: later }, last, all)).equal(null);
    expect(nextResult(plan, { stageIndex: 3, models: later }, last, all)).deep.include({
      ...{ kind: 'package', digest: d },
    });
  });
});

describe('errorsOf', () => {
  const score = { kind: 'point', errorMm: null, annotatorErrorMm: null, dice: null } as const;
  const points = (...errors: (number | null)[]) =>
    errors.map((errorMm) => ({ ...score, task: 'hps' as const, label: 'RCC', errorMm }));

  it('is the median over the points, for which a missed one is the furthest', () => {
    const [hpsError] = errorsOf(points(4, null, 2, 3, 9));
    expect(hpsError).deep.equal({ task: 'hps', unit: 'mm', value: 4 });
    expect(errorsOf(points(4, null, null)), 'most are missed').deep.equal([]);
  });

  it('is the Dice of a segmentation, and nothing where there was nothing to find', () => {
    const one = { ...score, kind: 'segmentation', label: 'calcium', task: 'calc' } as const;
    expect(errorsOf([{ ...one, dice: 0.5 }])).deep.equal([
      { task: 'calc', unit: 'dice', value: 0.5 },
    ]);
    expect(errorsOf([{ ...one, dice: null }])).deep.equal([]);
    expect(errorsOf([])).deep.equal([]);
  });
});

const stopped: Clock = { nowMs: () => 5, setTimer: () => () => undefined };
const canary = 'Mustermann-1949';

/** A node whose jobs do as they are told. */
class FakeNode implements ResultsNode {
  stageIndex = 0;
  sealed: Record<string, Digest> = {};
  readonly asked: string[] = [];
  readonly facts: NodeFact[] = [];
  fails: Error | null = null;
  errors: HeldOutErrors | null = { loss: 0.5, errors: [{ task: 'hps', unit: 'mm', value: 3 }] };

  get peer(): NonNullable<ResultsNode['peer']> {
    return {
      state: { stageIndex: this.stageIndex, models: models(this.sealed) },
      modelFile: (_, digest) => this.#answer(`file ${digest[0] ?? ''}`, `blobs/${digest}`, null),
    };
  }

  get results(): NonNullable<ResultsNode['results']> {
    const named = ({ name }: SealedModel): string => name.slice(0, 'blobs/a'.length);
    return {
      evaluate: (model) => this.#answer(`evaluate ${named(model)}`, this.errors),
      picture: (model) => this.#answer(`picture ${named(model)}`, null),
      package: (model, into) => this.#answer(`package ${named(model)} ${into}`, undefined),
    };
  }

  #answer<T>(what: string, value: T, error = this.fails): Promise<T> {
    this.asked.push(what);
    return error === null ? Promise.resolve(value) : Promise.reject(error);
  }

  open(): OwnResults {
    const onFact = (fact: NodeFact): void => void this.facts.push(fact);
    const results = new OwnResults({
      ...{ node: this, plan, clock: stopped, modelFolder: 'HOME/model', onFact },
    });
    results.start(null);
    return results;
  }
}

function sealedEvent(round: number, stage: string, model: Digest) {
  const participants = { participants: [], excluded: [], height: round, logSize: 1, atMs: 0 };
  return { kind: 'sealed', round, stage, model, ...participants } as const;
}

describe('OwnResults', () => {
  it('tells errors and loss of the last sealed round once', async () => {
    const node = new FakeNode();
    node.sealed = { hps: b };
    const results = node.open();
    await results.step();
    expect(node.asked, 'nothing is sealed').deep.equal([]);
    results.hear(sealedEvent(3, 'hps', a));
    results.hear(sealedEvent(4, 'hps', b));
    await results.step();
    await results.step();
    expect(node.asked).deep.equal(['file b', 'evaluate blobs/b']);
    expect(node.facts).deep.equal([
      { kind: 'round-error', round: 4, task: 'hps', unit: 'mm', value: 3 },
      { kind: 'round-error', round: 4, task: 'hps', unit: 'loss', value: 0.5 },
    ]);
    node.errors = null;
    results.hear(sealedEvent(5, 'hps', c));
    await results.step();
    expect(node.asked.at(-1)).equal('evaluate blobs/c');
    expect(node.facts.length, 'no case is held out').equal(2);
  });

  it('asks again when rounds needed the workers, without a word and without reading the model again', async () => {
    const node = new FakeNode();
    const results = node.open();
    results.hear(sealedEvent(1, 'hps', a));
    for (const code of ['pool_busy', 'job_cancelled'] as const) {
      node.fails = new HospitalError(
        code === 'pool_busy' ? { code } : { code, method: 'evaluateModel' },
      );
      expect(await results.step(), code).equal(true);
    }
    node.fails = null;
    await results.step();
    expect(node.asked).deep.equal(['file a', ...Array<string>(3).fill('evaluate blobs/a')]);
    expect(node.facts.map(({ kind }) => kind)).deep.equal(['round-error', 'round-error']);
  });

  it('packages the student and says where it is', async () => {
    const node = new FakeNode();
    Object.assign(node, { stageIndex: 3, sealed: { student: c } });
    await node.open().step();
    expect(node.asked).deep.equal(['file c', 'package blobs/c HOME/model']);
    expect(node.facts.map((fact) => ('code' in fact ? fact.code : ''))).deep.equal(['own-model']);
  });

  it('says once that a model could not be tried, without the words of the failure', async () => {
    const node = new FakeNode();
    const results = node.open();
    results.hear(sealedEvent(1, 'hps', a));
    node.fails = new HospitalError({ code: 'job_failed', method: 'evaluateModel', reason: canary });
    expect(await results.step()).equal(false);
    await results.step();
    expect(node.asked.length, 'not with the same model').equal(2);
    expect(node.facts.length).equal(1);
    expect(node.facts[0]).deep.include({ kind: 'notice', level: 'warning' });
    expect(JSON.stringify(node.facts)).not.contains(canary);
    node.fails = null;
    results.hear(sealedEvent(2, 'hps', b));
    await results.step();
    expect(node.facts.at(-1)).deep.equal({ kind: 'notice-over', code: 'own-results' });
  });

  it('tries again to package what the disk refused', async () => {
    const node = new FakeNode();
    Object.assign(node, { stageIndex: 3, sealed: { student: c } });
    const results = node.open();
    node.fails = new HostError({ code: 'disk_full', path: canary });
    expect(await results.step()).equal(false);
    expect(JSON.stringify(node.facts)).contains('disk full').and.not.contains(canary);
    node.fails = null;
    await results.step();
    expect(node.asked.filter((what) => what.startsWith('package')).length).equal(2);
  });
});

describe('the jobs behind the results', () => {
  let top = '';
  const jobs = new HospitalJobs(diskStore, { backend: 'cpu' });
  const results = new ResultJobs(jobs, diskStore);
  const spare: boolean[] = [];
  let cases: CasesAt;
  let ours: OwnResultJobs;
  let model: SealedModel;

  before(async () => {
    top = mkdtempSync(join(tmpdir(), 'annulus-results-'));
    const { intensity } = imagesOf(plan);
    cases = { folder: join(top, 'cases'), intensity, generation: 'expert' };
    const nodeFolder = join(top, 'node');
    ours = new OwnResultJobs({
      ...{ plan, inference: { overlap: 0, batch: 1 }, nodeFolder },
      trainer: { readCases: (work) => work(cases) },
      pool: {
        run: (method, args, options) => {
          spare.push(options?.isSpare === true);
          const job = Reflect.get(results, method) as (given: unknown) => Promise<unknown>;
          return job.call(results, args);
        },
      },
    });
    const weights = initialWeights(readModelSpec(student.model), seededRandom('results'));
    const digest = modelDigest(weights);
    await writeModel(diskStore(nodeFolder), `blobs/${digest}`, weights);
    model = { stage: student, digest, name: `blobs/${digest}` };
  });
  after(async () => {
    await jobs.close();
    rmSync(top, { recursive: true });
  });

  it('say nothing where no case is held out', async () => {
    expect(await ours.evaluate(model)).equal(null);
    expect(await ours.picture(model)).equal(null);
  });

  it('give the errors and the slices of a held-out case, in spare time', async () => {
    const only = { hps: 1, ms: 0, calc: 0, unlabelled: 0, test: 1 };
    const phantom = { ...phantomDefaults, shape: [16, 16, 16], spacingMm: [6, 6, 6] } as const;
    const hospital = {
      ...{ id: 'L1', cases: only, scanner: scannerDefaults, annotator: annotatorDefaults },
    };
    const making = { ...{ from: 0, to: 2, seed: 1, phantom, pointRadiusMm: 9, heart: false } };
    await jobs.makeCases({ ...cases, hospital, ...making }, () => undefined);
    const found = await ours.evaluate(model);
    expect(found?.loss).a('number');
    const picture = await ours.picture(model);
    // 16³ voxels, cut twice; the expert's five points and two of the septum.
    expect(picture?.slices.map(({ gray }) => gray.length)).deep.equal([256, 256]);
    const [axial] = picture?.slices ?? [];
    expect(axial?.points.filter(({ kind }) => kind === 'truth').length).equal(7);
    expect(JSON.stringify(picture), 'no name of a case').not.contains('L1-0001');
    expect(spare.every((is) => is)).equal(true);
  });

  it('leave a folder that is a student, and replace it by the next one', async () => {
    const into = join(top, 'home', 'model');
    expect(await packagedDigest(into), 'before').equal(null);
    await ours.package(model, into);
    const files = new Map<string, Uint8Array>();
    for (const name of ['model.json', 'model.safetensors']) {
      files.set(name, (await diskStore(into).read(name))!);
    }
    const { digest, window, spacingMm } = decodeStudent(files);
    // Patch and spacing of the plan.
    expect({ digest, window, spacingMm }).deep.equal({
      ...{ digest: model.digest, window: [8, 8, 8], spacingMm: [1, 1, 1] },
    });
    writeFileSync(join(into, 'old'), 'of the model before');
    await ours.package(model, into);
    expect(readdirSync(into).sort()).deep.equal(['model.json', 'model.safetensors']);
    expect(readdirSync(join(top, 'home'))).deep.equal(['model']);
    expect(await packagedDigest(into)).equal(model.digest);
  });

  it('refuse a file that is not the sealed model, and leave the folder as it is', async () => {
    const into = join(top, 'refused');
    const refused = await ours
      .package({ ...model, digest: a }, into)
      .catch((error: unknown) => error);
    expect(refused).instanceOf(HospitalError).and.has.property('code', 'bad_model');
    expect(readdirSync(top)).not.contains('refused');
    writeFileSync(join(top, 'model.json'), '{"digest": "of the model"}');
    expect(await packagedDigest(top), 'no weights').equal(null);
    writeFileSync(join(top, 'model.safetensors'), '');
    expect(await packagedDigest(top), 'no digest').equal(null);
  });
});
