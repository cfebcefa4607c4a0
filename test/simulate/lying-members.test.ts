/**
 * Members that lie about what they learnt, in the virtual world: the peers are the real ones, the hospitals learn quadratics.
 * The honest keep one model, and with a robust rule it lies near the optimum of the honest.
 */
import { expect } from 'chai';

import {
  memberNames,
  optimumOf,
  readAttack,
  seededQuadratics,
  simulateConsortium,
  virtualPlan,
  type Attack,
  type Quadratic,
  type VirtualWorld,
} from '../../src/simulate/index.ts';
import { decodeSafetensors } from '../../src/weights/index.ts';
import { WireError, type RobustRule } from '../../src/wire/index.ts';
import { plainRule } from '../wire/sample-stage.ts';

/** Half of the way each: a 32nd is left. */
const rounds = 5;
const centred: RobustRule = {
  ...{ kind: 'centred-clip', capMicro: 350_000, radiusMicro: 1_000_000, iterations: 8 },
};
type Lie = Attack extends infer A ? (A extends Attack ? Omit<A, 'liars'> : never) : never;

/** All but two-faced, which has a test of its own. @see attacks.test.ts */
const lies: readonly Lie[] = [
  { kind: 'sign-flip', factor: 10 },
  { kind: 'scale', factor: 1000 },
  { kind: 'noise', stdDev: 3 },
  { kind: 'free-rider', stdDev: 0.1 },
  { kind: 'alie', z: 1.5 },
  { kind: 'ipm', epsilon: 0.5 },
  { kind: 'min-max', direction: 'unit' },
  { kind: 'label-flip' },
  { kind: 'weight-lie', samples: 2 ** 31 - 1 },
  { kind: 'stale', rounds: 3 },
  { kind: 'withhold', answers: 1 },
  { kind: 'late', delayMs: 600_000 },
  { kind: 'flood', copies: 5 },
];

/** Those that are worse when several send them. */
const colluding: ReadonlySet<string> = new Set(['sign-flip', 'scale', 'alie', 'ipm', 'min-max']);

interface Ended {
  /** |x - c| over the root mean square of |c_k - c|: c the optimum of the honest, of equal weight. */
  readonly error: number;
}

async function attacked(
  count: number,
  liarCount: number,
  lie: Lie | null,
  robust: RobustRule | null,
): Promise<Ended> {
  const members = memberNames(count);
  const liars = members.slice(count - liarCount);
  const honest = members.slice(0, count - liarCount);
  const worlds: VirtualWorld[] = [];
  // All weigh the same: what a liar may weigh is another test's.
  const rule = { ...plainRule, samplesCap: 1, weightMax: 1, ...(robust && { robust }) };
  const plan = virtualPlan({ participants: members, rounds, rule });
  const record = await simulateConsortium({
    ...{ seed: 3, members, plan, prepare: (made) => void worlds.push(made) },
    ...(lie && { attack: { ...lie, liars } }),
  });
  expect(record.violation, JSON.stringify(lie)).to.equal(null);
  expect(record.outcome, JSON.stringify(lie)).to.equal('done');
  const models = new Set(
    honest.map((id) => record.nodes.find((one) => one.id === id)!.models.student),
  );
  expect(models.size, JSON.stringify(lie)).to.equal(1);
  const node = worlds[0]!.node(honest[0]!);
  const bytes = node.disk.files.get(`blobs/${[...models][0]!}`)!;
  const [tensor] = decodeSafetensors(bytes).tensors;
  const learnt = seededQuadratics(3, members);
  const own = honest.map((id): Quadratic => ({ ...learnt.get(id)!, samples: 1 }));
  const goal = optimumOf(own);
  const spread = Math.sqrt(
    own.reduce((sum, { optimum }) => sum + squared(optimum, goal), 0) / own.length,
  );
  return { error: Math.sqrt(squared([...tensor!.data], goal)) / spread };
}

function squared(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, x, at) => sum + (x - b[at]!) ** 2, 0);
}

describe('members that lie about what they learnt', () => {
  // The honest themselves lie 1 away from their optimum, in the root mean square.
  it('1 of 8: the honest keep one model, near their optimum', async () => {
    for (const lie of lies) {
      const { error } = await attacked(8, 1, lie, centred);
      expect(error, lie.kind).to.be.lessThan(0.5);
    }
  });

  it('3 of 10 that act together: the same', async () => {
    for (const lie of lies.filter(({ kind }) => colluding.has(kind))) {
      const { error } = await attacked(10, 3, lie, centred);
      expect(error, lie.kind).to.be.lessThan(0.75);
    }
  });

  it('without a robust rule take the model where they like', async () => {
    const { error } = await attacked(10, 3, { kind: 'sign-flip', factor: 10 }, null);
    expect(error).to.be.greaterThan(1);
  });
});

describe('an attack in a file', () => {
  const members = memberNames(4);
  const liars = [members[3]!];

  it('is read as it is', () => {
    for (const lie of [...lies, { kind: 'two-faced' }]) {
      expect(readAttack({ ...lie, liars }, members)).to.deep.equal({ ...lie, liars });
    }
    expect(readAttack({ kind: 'alie', liars }, members)).to.deep.equal({ kind: 'alie', liars });
  });

  it('is refused with strangers, nobody or everybody as liars, and with other fields', () => {
    for (const bad of [
      { kind: 'sign-flip', factor: 10, liars: ['X9'] },
      { kind: 'sign-flip', factor: 10, liars: [] },
      { kind: 'sign-flip', factor: 10, liars: members },
      { kind: 'sign-flip', factor: 10, liars: [...liars, ...liars] },
      { kind: 'sign-flip', liars },
      { kind: 'sign-flip', factor: '10', liars },
      { kind: 'sign-flip', factor: Infinity, liars },
      { kind: 'noise', stdDev: -1, liars },
      { kind: 'min-max', direction: 'up', liars },
      { kind: 'weight-lie', samples: 0, liars },
      { kind: 'flood', copies: 1000, liars },
      { kind: 'label-flip', liars, more: 1 },
      { kind: 'nothing', liars },
      [],
    ]) {
      expect(() => readAttack(bad, members), JSON.stringify(bad)).to.throw(WireError);
    }
  });
});
