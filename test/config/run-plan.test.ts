import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Digest } from '../../src/base/index.ts';
import {
  holdersOf,
  limitsOf,
  loadPreset,
  membersOf,
  planOf,
  type RunSettings,
  taughtTasks,
} from '../../src/config/index.ts';
import { caseJobs } from '../../src/experiment/index.ts';
import { readRobust, readRule, type RoundRule } from '../../src/wire/index.ts';
import { projectRoot } from '../project-root.ts';

const preset = 'eight-hospitals.yaml';
const readPreset = (): string => readFileSync(join(projectRoot, 'config', preset), 'utf8');
const settings = loadPreset(readPreset(), preset);

describe('run plan', () => {
  it('has a factor of the deadline where one is set, of 1 at least, and none otherwise', () => {
    const factors = [0, 0.5, 3].map((deadlineFactor) => {
      const training = { ...settings.training, deadlineFactor };
      return planOf({ ...settings, training }).stages.map((one) => one.deadlineFactorMicro);
    });
    const { length } = planOf(settings).stages;
    const all = (micro: number | undefined): unknown[] => Array.from({ length }, () => micro);
    expect(factors).to.deep.equal([all(undefined), all(1_000_000), all(3_000_000)]);
  });

  it('lets the holders of each label train its teacher, then all the student', () => {
    const plan = planOf(settings);
    const all = settings.consortium.hospitals;
    for (const stage of plan.stages.slice(0, -1)) {
      const task = stage.task as 'hps' | 'ms' | 'calc';
      const holders = all.filter(({ cases }) => cases[task] > 0).map(({ id }) => id);
      expect(stage.participants, stage.id).to.deep.equal(holders.sort());
      expect(stage.minParticipants, stage.id).to.equal(Math.ceil(holders.length / 2));
    }
    expect(plan.stages.map(({ id }) => id)).to.deep.equal([
      ...taughtTasks(settings).map((task) => `teacher-${task}`),
      'student',
    ]);
    expect(plan.stages.at(-1)!.participants).to.deep.equal(membersOf(settings));
  });

  it('makes no stage for a task that nobody labelled', () => {
    const { consortium } = settings;
    const hospitals = consortium.hospitals.map((one) => ({
      ...one,
      cases: { ...one.cases, ms: 0 },
    }));
    const without: RunSettings = { ...settings, consortium: { ...consortium, hospitals } };
    expect(holdersOf(without, 'ms')).to.deep.equal([]);
    expect(planOf(without).stages.map(({ id }) => id)).to.not.include('teacher-ms');
  });

  it('writes what a federation means into its stages', () => {
    const meaning = (federation: string): unknown[] =>
      (['teacher', 'student'] as const).map((kind) => {
        const changed = loadPreset(readPreset(), preset, [
          { key: `training.${kind}.federation`, text: federation, source: '--set' },
          { key: 'training.proxMu', text: '0.02', source: '--set' },
          { key: 'training.outerLearningRate', text: '0.5', source: '--set' },
          { key: 'training.outerMomentum', text: '0.8', source: '--set' },
        ]);
        const stage = planOf(changed).stages.find((one) => one.kind === kind);
        const { training, rule } = stage!;
        const { outerRateMicro, outerMomentumMicro } = rule;
        const { proxMuMicro } = training;
        return { proxMuMicro, outerRateMicro, outerMomentumMicro };
      });
    const plain = { proxMuMicro: 0, outerRateMicro: 1_000_000, outerMomentumMicro: 0 };
    const prox = { ...plain, proxMuMicro: 20_000 };
    const diloco = { ...plain, outerRateMicro: 500_000, outerMomentumMicro: 800_000 };
    expect(meaning('fedavg')).to.deep.equal([plain, plain]);
    expect(meaning('fedprox')).to.deep.equal([prox, prox]);
    expect(meaning('diloco')).to.deep.equal([diloco, diloco]);
  });

  it('writes the robust mean into every stage, and nothing for the plain one', () => {
    const robustWith = (...pairs: string[]): unknown[] =>
      planOf(
        loadPreset(
          readPreset(),
          preset,
          pairs.map((pair) => {
            const [key = '', text = ''] = pair.split('=');
            return { key: `training.robust.${key}`, text, source: '--set' };
          }),
        ),
      ).stages.map(({ rule }) => (rule.kind === 'exact' ? rule.robust : null));
    expect(new Set(robustWith('kind=none', 'radius=2'))).to.deep.equal(new Set([undefined]));
    const [first, ...others] = robustWith('kind=centred-clip', 'radius=1.5', 'iterations=3');
    expect(first).to.deep.equal({
      ...{ kind: 'centred-clip', capMicro: 350_000, radiusMicro: 1_500_000, iterations: 3 },
      // Of eight, two may lie.
      nnmTolerated: 2,
    });
    for (const other of others) expect(other).to.deep.equal(first);
    const [without] = robustWith('kind=median', 'nnm=false');
    expect(without).to.deep.equal({ kind: 'median', capMicro: 350_000 });
    const common = { capMicro: 200_000, nnmTolerated: 3 };
    const more = ['weightCap=0.2', 'tolerated=3', 'trim=0.25', 'iterations=9'];
    for (const [kind, own] of Object.entries({
      'norm-clip': { radiusMicro: 1_000_000 },
      'trimmed-mean': { trimMicro: 250_000 },
      median: {},
      'geometric-median': { iterations: 9 },
      'multi-krum': { tolerated: 3 },
    })) {
      const [robust] = robustWith(`kind=${kind}`, ...more);
      expect(robust).to.deep.equal({ kind, ...common, ...own });
      expect(readRobust(robust)).to.deep.equal(robust);
    }
  });

  it('writes the rule of a mixing into every stage, and refuses what cannot be mixed', () => {
    const rulesWith = (...pairs: string[]): unknown[] =>
      planOf(
        loadPreset(
          readPreset(),
          preset,
          pairs.map((pair) => {
            const [key = '', text = ''] = pair.split('=');
            return { key: `training.${key}`, text, source: '--set' };
          }),
        ),
      ).stages.map(({ rule }) => rule);
    const [first, ...others] = rulesWith(
      ...['averaging=mixing', 'mixing.topology=regular', 'mixing.degree=4'],
      ...['mixing.epsilon=0.001', 'mixing.steps=9', 'samplesCap=70', 'clamp=0.5'],
    );
    expect(first).to.deep.equal({
      ...{ kind: 'mixing', topology: { kind: 'regular', degree: 4, redrawn: true }, steps: 9 },
      ...{ epsilonNano: 1_000_000, patienceMs: 60_000, samplesCap: 70, weightMax: 70 },
      ...{ clampMicro: 500_000, outerRateMicro: 1_000_000, outerMomentumMicro: 0 },
    });
    for (const other of others) expect(other).to.deep.equal(first);
    expect(readRule(first)).to.deep.equal(first);
    const [plain] = rulesWith('averaging=mixing');
    expect(plain).to.deep.include({ topology: { kind: 'base', k: 1 }, steps: 0 });
    expect(plain).to.deep.include({ epsilonNano: 10_000 });
    for (const wrong of [
      ['averaging=hearsay'],
      ['averaging=mixing', 'mixing.topology=pentagram'],
      ['averaging=mixing', 'mixing.steps=201'],
      ['averaging=mixing', 'mixing.epsilon=0'],
      ['averaging=mixing', 'mixing.degree=0'],
      ['averaging=mixing', 'mixing.patienceMs=10'],
      ['averaging=mixing', 'mixing.neighbours=3'],
      // Nobody sees all updates.
      ['averaging=mixing', 'robust.kind=median'],
      // Nobody is heard again.
      ['averaging=mixing', 'compression=int8', 'mixing.topology=regular'],
      ['averaging=mixing', 'compression=bf16', 'mixing.topology=el-local'],
      ['compression=int4'],
    ]) {
      expect(() => rulesWith(...wrong), wrong.join()).to.throw();
    }
  });

  it('writes how what travels is rounded into every rule, and nothing where it is not', () => {
    const rulesWith = (...pairs: readonly (readonly [string, string])[]): RoundRule[] =>
      planOf(
        loadPreset(
          readPreset(),
          preset,
          pairs.map(([key, text]) => ({ key: `training.${key}`, text, source: '--set' })),
        ),
      ).stages.map(({ rule }) => rule);
    for (const rule of rulesWith()) expect(rule).to.not.have.property('compression');
    for (const averaging of ['exact', 'sharded', 'mixing']) {
      for (const rule of rulesWith(['averaging', averaging], ['compression', 'int8'])) {
        expect(rule).to.deep.include({ kind: averaging, compression: 'int8' });
        expect(readRule(rule)).to.deep.equal(rule);
        expect(() => readRule({ ...rule, compression: 'none' })).to.throw();
        expect(() => readRule({ ...rule, compression: 'int4' })).to.throw();
      }
    }
    const [mixed] = rulesWith(['averaging', 'mixing'], ['compression', 'bf16']);
    for (const kind of ['matching', 'el-oracle', 'el-local', 'regular'] as const) {
      const topology = kind === 'matching' ? { kind } : { kind, degree: 2 };
      const drawn = kind === 'regular' ? { ...topology, redrawn: true } : topology;
      expect(() => readRule({ ...mixed, topology: drawn }), kind).to.throw(/another graph/);
    }
  });

  it('gives each kind of stage its own optimiser, schedule and decay', () => {
    const changed = loadPreset(readPreset(), preset, [
      { key: 'training.teacher.optimiser', text: 'sgd', source: '--set' },
      { key: 'training.teacher.schedule', text: 'cosine', source: '--set' },
      { key: 'training.teacher.weightDecay', text: '0.00003', source: '--set' },
      { key: 'training.clipNorm', text: '12', source: '--set' },
      { key: 'training.resetOptimiser', text: 'true', source: '--set' },
    ]);
    const [teacher, student] = [0, -1].map((at) => planOf(changed).stages.at(at)!);
    expect([teacher!.schedule, student!.schedule]).to.deep.equal(['cosine', 'poly']);
    expect(teacher!.training).to.deep.include({
      optimiser: { kind: 'sgd', weightDecayMicro: 30, momentumMicro: 990_000 },
      ...{ clipNormMicro: 12_000_000, resetOptimiser: true },
    });
    expect(student!.training.optimiser).to.deep.equal({ kind: 'adamw', weightDecayMicro: 10_000 });
  });

  it('averages in shards where it is asked to, or among more than 16', () => {
    const rulesOf = (averaging: string, count: number): unknown[] => {
      const [one] = settings.consortium.hospitals;
      const hospitals = Array.from({ length: count }, (_, at) => {
        return { ...one!, id: `H${String(at + 1).padStart(2, '0')}` };
      });
      const consortium = { ...settings.consortium, hospitals };
      const training = { ...settings.training, averaging } as RunSettings['training'];
      const { stages } = planOf({ ...settings, consortium, training });
      return [...new Set(stages.map(({ rule }) => rule.kind))];
    };
    expect(settings.training.averaging).to.equal('by-size');
    expect(rulesOf('by-size', 8)).to.deep.equal(['exact']);
    expect(rulesOf('by-size', 16)).to.deep.equal(['exact']);
    expect(rulesOf('by-size', 17)).to.deep.equal(['sharded']);
    expect(rulesOf('exact', 32)).to.deep.equal(['exact']);
    expect(rulesOf('sharded', 4)).to.deep.equal(['sharded']);
    const asked = { key: 'training.averaging', text: 'sharded', source: '--set' };
    const [stage] = planOf(loadPreset(readPreset(), preset, [asked])).stages;
    expect(stage!.rule).to.deep.include({ kind: 'sharded', reducers: 3 });
    const wrong = { ...asked, text: 'gossip' };
    expect(() => loadPreset(readPreset(), preset, [wrong])).to.throw('by-size or exact');
    const three = ['A', 'B', 'C'].map((id) => `{ id: ${id}, cases: { hps: 1, ms: 1, calc: 1 } }`);
    const few = `consortium: { hospitals: [${three.join(', ')}] }\ntraining: { averaging: sharded }`;
    expect(() => loadPreset(few, 'few.yaml')).to.throw('fewer than 4 hospitals');
  });

  it('says what an image is to the models, in whole millionths', () => {
    const told = loadPreset(readPreset(), preset, [
      { key: 'phantom.spacingMm', text: '[2.5, 0.7, 0.7]', source: '--set' },
      { key: 'training.pointRadiusMm', text: '5.5', source: '--set' },
      { key: 'training.heart', text: 'condition', source: '--set' },
    ]);
    // distill/settings.ts: clipped to -300 and 1000 HU, mean 100, deviation 200.
    expect(planOf(told).images).to.deep.equal({
      ...{ spacingMmMicro: [2_500_000, 700_000, 700_000], pointRadiusMmMicro: 5_500_000 },
      heart: 'condition',
      intensity: {
        ...{ clipLowHuMicro: -300_000_000, clipHighHuMicro: 1_000_000_000 },
        ...{ meanHuMicro: 100_000_000, stdHuMicro: 200_000_000 },
      },
    });
  });

  it('writes the patch into every stage', () => {
    const sizesWith = (patch: string): unknown[] =>
      planOf(
        loadPreset(readPreset(), preset, [{ key: 'training.patch', text: patch, source: '--set' }]),
      ).stages.map(({ training: { patch } }) => String(patch));
    expect(new Set(sizesWith('[16, 24, 32]'))).to.deep.equal(new Set(['16,24,32']));
    expect(new Set(sizesWith('whole'))).to.deep.equal(new Set(['whole']));
  });

  it('names the models that stages begin from by their digests, and none otherwise', () => {
    const teacher = 'ab'.repeat(32) as Digest;
    const starts = planOf(settings, { teacher }).stages.map(({ start }) => start);
    expect(starts).to.deep.equal([teacher, teacher, teacher, undefined]);
    expect(planOf(settings).stages.every((stage) => !('start' in stage))).to.equal(true);
  });

  it('gives all models the heart as a second input, or the student a head for it', () => {
    const modelsWith = (heart: string): unknown[] =>
      planOf(
        loadPreset(readPreset(), preset, [{ key: 'training.heart', text: heart, source: '--set' }]),
      ).stages.map(({ kind, model }) => {
        const { inChannels, heads } = model as { inChannels: number; heads: { heart?: number } };
        return [kind, inChannels, heads.heart];
      });
    const teachers = (inChannels: number): unknown[] =>
      Array<unknown>(3).fill(['teacher', inChannels, undefined]);
    expect(modelsWith('none')).to.deep.equal([...teachers(1), ['student', 1, undefined]]);
    expect(modelsWith('condition')).to.deep.equal([...teachers(2), ['student', 2, undefined]]);
    // Background and seven structures.
    expect(modelsWith('head')).to.deep.equal([...teachers(1), ['student', 1, 8]]);
  });

  it('makes the same cases with and without the heart, and gives it where it is used', async () => {
    const argsWith = async (heart: string): Promise<unknown[]> => {
      const told = { ...settings, training: { ...settings.training, heart: heart as 'head' } };
      const asked: unknown[] = [];
      const pool = {
        run: (method: string, args: unknown): Promise<unknown> => {
          asked.push({ method, args });
          return Promise.resolve();
        },
      };
      for (const job of await caseJobs(told, String)) await job.run(pool, () => undefined);
      return asked;
    };
    const [none, head, condition] = [
      await argsWith('none'),
      await argsWith('head'),
      await argsWith('condition'),
    ];
    expect(condition).to.deep.equal(head);
    expect(none).to.deep.equal(
      (head as { method: string; args: object }[]).map(({ method, args }) => ({
        method,
        args: { ...args, heart: false },
      })),
    );
    expect(none.length).to.be.greaterThan(settings.consortium.hospitals.length);
  });

  it('bounds an update by four bytes a parameter and what encryption adds', () => {
    // 1 000 000 parameters: 4 000 000 bytes · 1.01 + 4096.
    expect(limitsOf(1_000_000)).to.deep.equal({ updateBytesMax: 4_044_096 });
  });
});
