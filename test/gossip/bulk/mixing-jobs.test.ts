import { expect } from 'chai';

import { utf8 } from '../../../src/base/index.ts';
import {
  beginMixing,
  compareModels,
  encryptRoundUpdate,
  encryptState,
  endMixing,
  mixStep,
  MixingSchedule,
  roundAverage,
  roundUpdate,
  stateCiphertextBytes,
  type AveragingRule,
  type MixStepOutcome,
  type StateFile,
} from '../../../src/gossip/index.ts';
import { layoutOf, readModel, writeModel, type ModelWeights } from '../../../src/weights/index.ts';
import { MemoryStore } from '../../audit/memory-store.ts';

const rule: AveragingRule = {
  ...{ memberCount: 4, clamp: 1, weightMax: 100 },
  ...{ samplesCap: 50, outerRate: 1, outerMomentum: 0 },
};
const context = utf8('which step');
const start: ModelWeights = [
  { name: 'w', shape: [3], data: Float32Array.of(1, -1, 0.5) },
  { name: 'outs.ms.w', shape: [2], data: Float32Array.of(0, 2) },
  { name: 'outs.hps.w', shape: [1], data: Float32Array.of(7) },
];
const layout = layoutOf(start);
const filled = (byte: number, count: number): Uint8Array => new Uint8Array(count).fill(byte);

/** What four members learnt; the last two have no label of `ms`, and nobody has one of `hps`. */
const learnt = [
  { samples: 10, change: 0.1, ms: 5 },
  { samples: 20, change: 0.2, ms: 15 },
  { samples: 30, change: 0.4, ms: 0 },
  { samples: 40, change: 0.2, ms: 0 },
].map(({ samples, change, ms }) => ({
  trained: { samples, heads: { ms, hps: 0 } },
  after: start.map((tensor) => ({ ...tensor, data: tensor.data.map((x) => x + change) })),
}));

/** Store and first state of a member. */
async function contributor(at: number): Promise<MemoryStore> {
  const store = new MemoryStore();
  await writeModel(store, 'start', start);
  await writeModel(store, 'after', learnt[at]!.after);
  const [key, salt] = [filled(1, 32), filled(2, 24)];
  const { update, weights } = await encryptRoundUpdate(store, {
    ...{ layout, start: 'start', after: 'after', trained: learnt[at]!.trained, rule },
    ...{ key, salt, context, into: 'update' },
  });
  const file = { ciphertext: 'update', digest: update, key, context, weights };
  await beginMixing(store, { layout, update: file, rule, into: 'state' });
  return store;
}

const weights = learnt.map(({ trained }) => ({ weight: trained.samples, heads: trained.heads }));

/** A state as another member gets it. */
async function sent(
  from: MemoryStore,
  to: MemoryStore,
  file: Pick<StateFile, 'share' | 'weights'>,
  name = 'received',
): Promise<StateFile> {
  const [key, salt] = [filled(3, 32), filled(4, 24)];
  const { digest } = await encryptState(from, { state: 'state', key, salt, context, into: 'out' });
  await to.write(name, (await from.read('out'))!);
  return { ...file, ciphertext: name, digest, key, context };
}

describe('the heavy work of a mixing over files', () => {
  it('comes to the exact average with one peer at a time, head by head', async () => {
    const settings = {
      topology: { kind: 'one-peer-exponential' },
      ...{ steps: 0, epsilon: 1e-5, clamp: 1 },
    } as const;
    const schedule = new MixingSchedule(settings, 'seed', weights);
    let stores = await Promise.all([0, 1, 2, 3].map(contributor));
    for (let step = 0; step < schedule.steps; step++) {
      const outcomes: MixStepOutcome[] = [];
      for (const [member, store] of stores.entries()) {
        const links = schedule.incoming(step, member);
        const received = await Promise.all(
          links
            .filter(({ from }) => from !== member)
            .map(({ from, weight: share }) =>
              sent(stores[from]!, store, { share, weights: schedule.weights(step, from) }),
            ),
        );
        const share = links.find(({ from }) => from === member)!.weight;
        outcomes.push(
          await mixStep(store, {
            ...{ layout, rule, own: { state: 'state', share }, received },
            ...{ memberCount: 4, into: 'next' },
          }),
        );
      }
      expect(outcomes.map(({ kind }) => kind)).to.deep.equal(['mixed', 'mixed', 'mixed', 'mixed']);
      for (const store of stores) await store.move('next', 'state');
      stores = [...stores];
    }
    const average = roundAverage(
      start,
      learnt.map(({ after, trained }) => roundUpdate(after, start, trained, rule)),
      rule,
    );
    for (const [member, store] of stores.entries()) {
      const at = schedule.weights(schedule.steps, member);
      await endMixing(store, {
        ...{ layout, start: 'start', state: 'state', weights: at, rule, into: 'model' },
      });
      const model = await readModel(store, 'model', layout);
      // By hand: shared 25 / 100; ms (5 · 0.1 + 15 · 0.2) / 20; nobody trained hps.
      const byHand = [1.25, -0.75, 0.75, 0.175, 2.175, 7];
      model
        .flatMap(({ data }) => [...data])
        .forEach((value, i) => {
          expect(value).to.be.closeTo(byHand[i]!, 1e-6);
          expect(value).to.be.closeTo(average.flatMap(({ data }) => [...data])[i]!, 1e-6);
        });
    }
  });

  const states: [string, (state: Float32Array) => Float32Array, RegExp][] = [
    ['a number that is none', (state) => state.fill(NaN, 1, 2), /NaN at 1/],
    ['an infinite number', (state) => state.fill(-Infinity, 0, 1), /-Infinity at 0/],
    ['a number beyond its weight', (state) => state.fill(10.2, 2, 3), /at 2, of at most 10\.0/],
    ['a number of a head that has no weight', (state) => state.fill(0.1, 5, 6), /at 5/],
    ['more numbers', (state) => Float32Array.of(...state, 1), /bytes/],
    ['fewer numbers', (state) => state.slice(1), /bytes/],
  ];
  for (const [what, change, reason] of states) {
    it(`refuses a state with ${what}`, async () => {
      const [own, other] = [await contributor(1), await contributor(0)];
      const state = new Float32Array((await other.read('state'))!.slice().buffer);
      await other.write('state', new Uint8Array(change(state).buffer));
      const received = [await sent(other, own, { share: 0.5, weights: weights[0]! })];
      const outcome = await mixStep(own, {
        ...{ layout, rule, own: { state: 'state', share: 0.5 }, received },
        ...{ memberCount: 4, into: 'next' },
      });
      expect(outcome.kind).to.equal('bad');
      expect(outcome.kind === 'bad' && outcome.reason).to.match(reason);
      expect(await own.has('next')).to.equal(false);
    });
  }

  it('refuses what its key does not open, and tells a damaged file apart', async () => {
    const [own, other] = [await contributor(1), await contributor(0)];
    const file = await sent(other, own, { share: 0.5, weights: weights[0]! });
    const job = {
      ...{ layout, rule, own: { state: 'state', share: 0.5 } },
      ...{ memberCount: 4, into: 'next' },
    };
    const wrong = { ...file, key: filled(9, 32) };
    expect((await mixStep(own, { ...job, received: [wrong] })).kind).to.equal('bad');
    const bytes = (await own.read('received'))!.slice();
    bytes[bytes.length - 1]! ^= 1;
    await own.write('received', bytes);
    const outcome = await mixStep(own, { ...job, received: [file] });
    expect(outcome).to.deep.equal({ kind: 'damaged', digest: file.digest });
  });

  it('knows how long a ciphertext is', async () => {
    const store = await contributor(0);
    await sent(store, store, { share: 1, weights: weights[0]! });
    expect(await store.size('received')).to.equal(stateCiphertextBytes(layout));
    // update-envelope.md 4: p bytes become 56 + p + 16 · (floor(p / 16384) + 1).
    expect(stateCiphertextBytes([{ name: 'w', shape: [10_000] }])).to.equal(40_104);
    expect(stateCiphertextBytes([{ name: 'w', shape: [4_096] }])).to.equal(16_472);
  });

  it('says how far two models are apart, and what is none', async () => {
    const store = new MemoryStore();
    await writeModel(store, 'own', start);
    const moved = start.map((tensor, at) => ({
      ...tensor,
      data: at === 1 ? Float32Array.of(0.25, 2) : tensor.data,
    }));
    await writeModel(store, 'moved', moved);
    expect(await compareModels(store, { layout, own: 'own', other: 'moved' })).to.deep.equal({
      ...{ kind: 'compared', apart: 0.25 },
    });
    await writeModel(store, 'nan', [
      { ...start[0]!, data: Float32Array.of(1, NaN, 1) },
      ...start.slice(1),
    ]);
    await writeModel(store, 'short', start.slice(1));
    for (const other of ['nan', 'short', 'absent']) {
      expect((await compareModels(store, { layout, own: 'own', other })).kind).to.equal(
        'not_a_model',
      );
    }
  });
});
