/** What attackers do to nodes that wait for each other, and to nodes that do not. */
import { expect } from 'chai';
import { loadSection } from '../../../src/config/index.ts';
import { labForm } from '../../../src/experiment/lab/settings-form.ts';
import { decodeState } from '../../../src/experiment/lab/state-file.ts';
import { run, type Changes } from './lab-orders.ts';

/** Two nodes that hear each other, begin at 0 and go down quadratics of their own in float64; a message takes half a step. */
const pair = {
  ...{ seed: 3, nodes: 2, rounds: 2, precision: 'f64', links: { delayMs: 5 } },
  topology: { kind: 'complete' },
};

/** Models of all nodes after a round, and who attacks. */
async function after(
  round: number,
  changes: Changes,
): Promise<{ models: Float64Array[]; attackers: number[] }> {
  const { states, record } = await run(changes, { snapshots: [round] });
  const all = decodeState(states.get(round) ?? new Uint8Array(), 'state').rows.get('models') ?? [];
  const { length } = record.nodes;
  const size = all.length / length;
  return {
    models: Array.from({ length }, (_, node) =>
      Float64Array.from(all.slice(node * size, (node + 1) * size)),
    ),
    attackers: record.nodes.filter(({ isAttacker }) => isAttacker).map(({ node }) => node),
  };
}

/** Each number of `came` is that of `expected`, to the rounding of float64. */
function expectSame(came: Float64Array | undefined, expected: Float64Array, name: string): void {
  expect(expected.some((value) => Math.abs(value) > 0.01)).equal(true);
  came?.forEach((value, k) => {
    expect(value, name).closeTo(expected[k] ?? NaN, 1e-12);
  });
}

describe('attackers of the laboratory', () => {
  it('tell the model with their lie, by each algorithm whose messages are models', async () => {
    // Nobody hears anybody: after a round from 0 a model is what the node learnt.
    const alone = await after(1, { ...pair, links: { lossRate: 1 }, timeoutMs: 1 });
    const attack = { kind: 'sign-flip', count: 1, scale: 3 };
    for (const algorithm of ['local-sgd', 'd-psgd']) {
      const { models, attackers } = await after(1, { ...pair, training: { algorithm }, attack });
      const liar = attackers[0] ?? 0;
      const [own, its] = [alone.models[1 - liar], alone.models[liar]];
      // Local SGD: half of the own model after training, half of -3 of theirs. D-PSGD mixes the models from before training,
      // which are 0, with -3 of theirs, and adds what it learnt.
      const share = algorithm === 'local-sgd' ? 0.5 : 1;
      const expected = Float64Array.from(own ?? [], (x, k) => share * x - 1.5 * (its?.[k] ?? 0));
      expectSame(models[1 - liar], expected, algorithm);
    }
  });

  for (const [kind, scale] of [
    ['sign-flip', 3],
    ['scale', 3],
    ['free-rider', 0],
    ['ipm', 3],
    ['alie', 1],
    ['min-max', 1],
  ] as const) {
    it(`lie by ${kind} where nobody waits`, async () => {
      const free = { ...pair, mode: 'asynchronous', training: { algorithm: 'local-sgd' } };
      const first = await after(1, free);
      const honest = await after(2, free);
      const attack = { kind, count: 1, scale };
      // The seed 3 makes node 1 the attacker, which ends its round second and knows what node 0 learnt.
      const { models, attackers } = await after(2, { ...free, attack });
      expect(attackers).deep.equal([1]);
      const [own = [], its = []] = first.models;
      // After its second round node 0 has half of its own model and half of the first message of node 1, which trained from 0:
      // c₁ in truth. Of a single honest change c₀ the mean is c₀, with no deviation and nobody at any distance: ALIE and
      // min-max tell c₀.
      const told = {
        'sign-flip': (k: number) => -3 * (its[k] ?? 0),
        scale: (k: number) => 3 * (its[k] ?? 0),
        'free-rider': () => 0,
        ipm: (k: number) => -3 * (own[k] ?? 0),
        alie: (k: number) => own[k] ?? 0,
        'min-max': (k: number) => own[k] ?? 0,
      }[kind];
      const expected = Float64Array.from(
        honest.models[0] ?? [],
        (x, k) => x + (told(k) - (its[k] ?? 0)) / 2,
      );
      expectSame(models[0], expected, kind);
    });
  }

  it('where nobody waits are the same a second time, and after a snapshot', async () => {
    for (const kind of ['noise', 'alie', 'min-max']) {
      const changes = {
        ...{ mode: 'asynchronous', nodes: 12, rounds: 10, sites: { slownessMax: 5 } },
        ...{ training: { algorithm: 'local-sgd' }, topology: { kind: 'el-local', degree: 3 } },
        attack: { kind, count: 3, scale: 1 },
      };
      const whole = await run(changes, { snapshots: [4, 10] });
      const again = await run(changes, { snapshots: [4, 10] });
      const state = decodeState(whole.states.get(4) ?? new Uint8Array(), 'state');
      const rest = await run(changes, { state, snapshots: [10] });
      const bytes = Buffer.from(whole.states.get(10) ?? []);
      expect(bytes.equals(again.states.get(10) ?? new Uint8Array()), kind).equal(true);
      expect(bytes.equals(rest.states.get(10) ?? new Uint8Array()), kind).equal(true);
    }
  });

  for (const kind of ['dissensus', 'spectral']) {
    it(`are refused where nobody waits when they aim at one exchange: ${kind}`, () => {
      const attack = `attack: { kind: ${kind}, count: 2 }`;
      const text = (mode: string): string => `lab: { nodes: 8, mode: ${mode}, ${attack} }`;
      expect(() => loadSection(text('synchronous'), 'a.yaml', labForm)).not.throw();
      expect(() => loadSection(text('asynchronous'), 'a.yaml', labForm)).throw(
        /lab\.attack\.kind: expected one of none, sign-flip, .* where nobody waits: others need the graph and all models of one exchange/,
      );
    });
  }
});
