import { expect } from 'chai';

import { seededRandom } from '../../../src/base/index.ts';
import { openEngine, type Engine, type Tensor5D } from '../../../src/compute/index.ts';
import type { TaskId } from '../../../src/data/index.ts';
import {
  CaseStore,
  distillationDefaults,
  intensityDefaults,
  labelCases,
  drawPatch,
  predictLabelMaps,
  type DistillationSettings,
  type Teacher,
} from '../../../src/distill/index.ts';
import {
  buildModel,
  parameterList,
  type HeadOutputs,
  type UNetSpec,
} from '../../../src/models/index.ts';
import { MemoryStore } from '../../audit/memory-store.ts';
import { heldCase, tinySize, tinySpec, undisturbed } from '../training-cases.ts';

const classesOf: Readonly<Record<TaskId, number>> = { hps: 6, ms: 3, calc: 2 };

/** A teacher that says `value` of every voxel: all weights are zero but one bias of its head. */
function stubborn(task: TaskId, value: number): Teacher {
  const spec: UNetSpec = { ...tinySpec, heads: { [task]: classesOf[task] } };
  const weights = parameterList(spec).map(({ name, shape }) => {
    const data = new Float32Array(shape.reduce((product, n) => product * n, 1));
    if (name === 'decoder.seg_layers.0.bias') data[value] = 9;
    return { name, shape, data };
  });
  return { task, spec, weights, window: tinySize };
}

const settings = { overlap: 0.5, batch: 1 };
const expertMap = Uint8Array.from({ length: 512 }, (_, n) => (n === 77 ? 3 : 0));

describe('labelCases', () => {
  let engine: Engine;
  let store: MemoryStore;
  let caseStore: CaseStore;
  before(async () => {
    engine = await openEngine({ backend: 'cpu' });
  });
  beforeEach(async () => {
    store = new MemoryStore();
    caseStore = new CaseStore(store, intensityDefaults);
    await caseStore.write('train', heldCase('a', { hps: expertMap }));
    await caseStore.write('train', heldCase('b', {}));
    await caseStore.write('train', heldCase('c', {}));
    await caseStore.write('test', heldCase('t', {}));
  });
  after(() => {
    engine.close();
  });

  const label = (
    teachers: readonly Teacher[],
    distillation: DistillationSettings = distillationDefaults,
  ): Promise<number> =>
    labelCases(engine, caseStore, teachers, settings, distillation, () => undefined);

  it("keeps an expert's map byte for byte and adds the teacher's where there is none", async () => {
    expect(await label([stubborn('hps', 5)])).equal(2);
    const [a, b] = [await caseStore.read('train', 'a'), await caseStore.read('train', 'b')];
    expect(a.labels.hps).deep.equal(expertMap);
    expect(a.origin).deep.equal({ hps: 'expert' });
    expect(b.labels.hps).deep.equal(new Uint8Array(512).fill(5));
    expect(b.origin).deep.equal({ hps: 'pseudo' });
  });

  it('leaves held-out cases alone', async () => {
    const before = store.files.get('test/t.case');
    await label([stubborn('hps', 5), stubborn('calc', 1)]);
    expect(store.files.get('test/t.case')).deep.equal(before);
  });

  it('adds nothing of a point teacher that finds nothing, and does not write the case', async () => {
    const before = store.files.get('train/b.case');
    expect(await label([stubborn('ms', 0)])).equal(0);
    expect(store.files.get('train/b.case')).equal(before); // the very same array
    expect((await caseStore.read('train', 'b')).labels).deep.equal({});
  });

  it('adds an empty segmentation: a healthy valve is a finding', async () => {
    expect(await label([stubborn('calc', 0)])).equal(3);
    const { labels, origin } = await caseStore.read('train', 'a');
    expect(labels.calc).deep.equal(new Uint8Array(512));
    expect(origin).deep.equal({ hps: 'expert', calc: 'pseudo' });
  });

  it('goes on after an interruption without doing a case again', async () => {
    const teachers = [stubborn('hps', 1), stubborn('calc', 1)];
    store.writesLeft = 2; // cases a and b
    const error = await label(teachers).catch((thrown: unknown) => thrown);
    expect(error).instanceOf(Error);
    const kept = [store.files.get('train/a.case'), store.files.get('train/b.case')];
    expect((await caseStore.read('train', 'c')).labels, 'whole or not at all').deep.equal({});
    store.writesLeft = 1; // c alone
    expect(await label(teachers)).equal(2);
    expect([store.files.get('train/a.case'), store.files.get('train/b.case')]).deep.equal(kept);
    expect((await caseStore.read('train', 'c')).origin).deep.equal({
      hps: 'pseudo',
      calc: 'pseudo',
    });
    store.writesLeft = 0;
    expect(await label(teachers), 'nothing left to do').equal(0);
  });

  it("searches with each teacher's own window", async () => {
    // 12 is no multiple of 8, 10 is one of 2: a window of another model would be refused.
    const deep: UNetSpec = { ...tinySpec, features: [2, 2, 2, 2], strides: [1, 2, 2, 2] };
    const fine = { ...stubborn('ms', 2), window: [10, 10, 10] as const };
    const calc = stubborn('calc', 1);
    const spec = { ...deep, heads: { calc: 2 } };
    const weights = parameterList(spec).map(({ name, shape }) => ({
      name,
      shape,
      data: new Float32Array(shape.reduce((product, n) => product * n, 1)),
    }));
    const coarse: Teacher = { ...calc, spec, weights, window: [16, 16, 16] };
    expect(await label([fine, coarse])).equal(6);
  });

  it('leaves no tensors', async () => {
    const before = engine.tf.memory().numTensors;
    await label([stubborn('hps', 1), stubborn('calc', 0)]);
    expect(engine.tf.memory().numTensors).equal(before);
  });

  it('offers the student what experts and teachers said, a teacher what experts said', async () => {
    await label([stubborn('hps', 1), stubborn('calc', 1)]);
    const ofExperts = await caseStore.trainingCases(['hps', 'calc'], ['expert']);
    expect(ofExperts.map(({ id, labels }) => [id, [...labels.keys()]])).deep.equal([
      ['a', ['hps']],
    ]);
    const ofAll = await caseStore.trainingCases(['hps', 'calc'], ['expert', 'pseudo']);
    expect(ofAll.map(({ id }) => id)).deep.equal(['a', 'b', 'c']);
    expect(ofAll.map(({ labels }) => [...labels.keys()].sort())).deep.equal(
      Array(3).fill(['calc', 'hps']),
    );
    expect(await caseStore.trainingCases(['ms'], ['expert', 'pseudo'])).deep.equal([]);
  });
});

describe('softLabels of teachers', () => {
  let engine: Engine;
  before(async () => {
    engine = await openEngine({ backend: 'cpu' });
  });
  after(() => {
    engine.close();
  });

  it('are kept with the case, and reach patches as targets and weights', async () => {
    const caseStore = new CaseStore(new MemoryStore(), intensityDefaults);
    await caseStore.write('train', heldCase('a', { hps: expertMap }));
    const distillation = {
      ...{ ...distillationDefaults, passes: 3, targets: 'soft', temperature: 9 },
      weightByUncertainty: true,
    };
    const teachers = [stubborn('hps', 5), stubborn('calc', 1)];
    await labelCases(engine, caseStore, teachers, settings, distillation, () => undefined);
    const { labels, softLabels } = await caseStore.read('train', 'a');
    expect(Object.keys(softLabels ?? {}), 'not of the expert’s map').deep.equal(['calc']);
    expect(labels.calc).deep.equal(new Uint8Array(512).fill(1));
    // Logits 0 and 9 over a temperature of 9: p = e/(1 + e) = 0.731 in every pass, so nothing epistemic, and
    // p·(1 - p) = 0.1966 of at most 0.25.
    const p = Math.E / (1 + Math.E);
    const bytes = [255 - Math.round(255 * p), Math.round(255 * p)];
    const { probabilities, aleatoric, epistemic } = softLabels!.calc!;
    expect([...probabilities.subarray(0, 2)]).deep.equal(bytes);
    expect(aleatoric[0]).equal(Math.round((255 * p * (1 - p)) / 0.25));
    expect(epistemic.every((value) => value === 0)).equal(true);
    const origins = ['expert', 'pseudo'] as const;
    const [held] = await caseStore.trainingCases(['hps', 'calc'], origins, distillation);
    const random = seededRandom('patch');
    const { soft } = drawPatch(
      { source: held!, about: null },
      ['hps', 'calc'],
      tinySize,
      random,
      undisturbed,
    );
    expect([...soft!.keys()]).deep.equal(['calc']);
    const { probabilities: targets, weights } = soft!.get('calc')!;
    expect(targets![1]).closeTo(p, 0.5 / 255 + 1e-3);
    expect(targets![0]! + targets![1]!).closeTo(1, 1e-6);
    expect(weights![0]).closeTo(1 - (p * (1 - p)) / 0.25, 1 / 255);
  });

  it('say nothing to a student that is to learn hard labels, all voxels alike', async () => {
    const caseStore = new CaseStore(new MemoryStore(), intensityDefaults);
    await caseStore.write('train', heldCase('a', {}));
    const distillation = { ...distillationDefaults, passes: 2 };
    await labelCases(
      ...([engine, caseStore, [stubborn('calc', 1)], settings, distillation] as const),
      () => undefined,
    );
    const [held] = await caseStore.trainingCases(['calc'], ['pseudo'], distillation);
    expect(held!.soft).equal(undefined);
  });
});

describe('predictLabelMaps', () => {
  it('surrounds an image smaller than the window with its darkest value', async () => {
    const engine = await openEngine({ backend: 'cpu' });
    try {
      // A model that hands its input on shows what it was given: class 1 where the input is above -1.
      const seen: number[][] = [];
      const spec: UNetSpec = { ...tinySpec, heads: { calc: 2 } };
      const model = buildModel(engine, spec);
      const spy = {
        ...model,
        forward: (...[, x]: Parameters<typeof model.forward>): HeadOutputs => {
          seen.push([...x.dataSync()]);
          const low = engine.tf.fill([1, 4, 4, 4, 1], -1);
          return { calc: [engine.tf.concat([low, x], 4) as Tensor5D] };
        },
      };
      const image = Float32Array.from([3, -7, 5, -7, 2, -7, 4, -7]);
      const window = [4, 4, 4] as const;
      const input = { data: image, shape: [2, 2, 2], channels: 1 } as const;
      const maps = await predictLabelMaps(engine, { model: spy, tensors: new Map() }, input, {
        ...settings,
        window,
      });
      expect([...(maps.get('calc') ?? [])]).deep.equal([1, 0, 1, 0, 1, 0, 1, 0]);
      expect(seen.length).equal(1);
      const inWindow = seen[0] ?? [];
      expect(inWindow.filter((value) => value === -7).length).equal(64 - 4);
      expect(inWindow[(1 * 4 + 1) * 4 + 1]).equal(3);
    } finally {
      engine.close();
    }
  });
});
