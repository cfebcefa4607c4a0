/** A whole virtual world from one seed: its members, plan, machines, hospitals and what goes wrong. */
import { seededRandom, type NodeId, type Random } from '../../src/base/index.ts';
import { consensusDefaults } from '../../src/consensus/index.ts';
import type { Trainer } from '../../src/peer/index.ts';
import {
  drawFaults,
  endOf,
  memberNames,
  quadraticTrainer,
  seededQuadratics,
  seededShare,
  simulateConsortium,
  virtualPlan,
  worldStartMs,
  type Fault,
  type MembershipChange,
  type SimulationOptions,
  type SimulationRecord,
} from '../../src/simulate/index.ts';

/** All are shorter than a hospital's, so that what must be waited out is over soon. ms. */
const roundTimeoutMs = 12_000;
const consensus = { ...consensusDefaults, viewTimeoutMs: 3_000, resendMs: 1_000 };
const settings = { tickMs: 2_000, silenceMs: 7_000 };

/**
 * After the last fault a world ends within so much virtual time, ms: three rounds that each take twice their timeout, and
 * as much again for views that grew long while nobody answered.
 */
export const calmMsMax: number = 2 * 3 * 2 * roundTimeoutMs;

/** Training fails and hold-outs refuse no longer than this, ms from the start. */
const moodyUntilMs = 10_000;

/** The world of `seed`. @param faults in place of those that it draws: how a failure is repeated, and made shorter */
export function randomWorld(seed: number, faults?: readonly Fault[]): SimulationOptions {
  const random = seededRandom(seed).fork('random world');
  // Most are small: what messages cost grows with the square of members, and f is 1 for 4 to 6.
  const memberCount = random.uniform() < 0.8 ? 4 : 5 + random.integer(3);
  const members = memberNames(memberCount);
  const f = Math.floor((members.length - 1) / 3);
  const plan = virtualPlan({
    ...{ participants: members, roundTimeoutMs },
    rounds: oneOf(random, [2, 2, 2, 2, 2, 2, 2, 3]),
    minParticipants: oneOf(random, [1, members.length - f]),
  });
  const network = oneOf(random, [
    {},
    { latencyMsMax: 500, dropRate: 0.05, duplicateRate: 0.1, breakRate: 0.02 },
  ]);
  const disk = oneOf(random, [{}, { writeMs: 1 + random.integer(20) }]);
  const moods = oneOf(random, [
    calmMoods,
    calmMoods,
    calmMoods,
    calmMoods,
    calmMoods,
    calmMoods,
    { failRate: 0.3, refuseRate: 0.3 },
  ]);
  const range = {
    untilMs: 5_000,
    forMsMax: oneOf(random, [1_000, 5_000, 12_000]),
    countMax: oneOf(random, [3, 6, 12]),
  };
  const drawn = drawFaults(random.fork('faults'), members, range);
  const chosen = faults ?? drawn;
  return {
    ...{ seed, members, plan, network, disk, consensus, settings, faults: chosen },
    trainerOf: moodyTrainers(seed, members, moods),
    untilMs: endOf(chosen) + calmMsMax,
  };
}

/**
 * The world of `seed`, whose members change once to three times as well: one joins, one leaves, others get new keys.
 *
 * @param faults as for `randomWorld`
 */
export function changingRandomWorld(seed: number, faults?: readonly Fault[]): SimulationOptions {
  const world = randomWorld(seed, faults);
  const random = seededRandom(seed).fork('changes');
  const { members } = world;
  const newcomer = `L${members.length + 1}` as NodeId;
  const joins = { kind: 'join', node: newcomer } as const;
  const leaves = { kind: 'revoke', node: oneOf(random, members) } as const;
  const stays = members.filter((id) => id !== leaves.node);
  const renews = { kind: 'renew', node: oneOf(random, stays) } as const;
  const reroots = { kind: 'reroot', node: oneOf(random, stays) } as const;
  const order = oneOf<readonly Omit<MembershipChange, 'atMs'>[]>(random, [
    [joins],
    [leaves],
    [renews],
    [joins, leaves],
    [leaves, joins],
    [renews, joins],
    [reroots, renews],
    [joins, { kind: 'renew', node: newcomer }],
    [leaves, { kind: 'join', node: leaves.node }],
    [joins, renews, leaves],
    [renews, reroots, joins],
  ]);
  const membership = order.map((change) => ({ ...change, atMs: random.integer(8_000) }));
  const drawn = world.faults ?? [];
  return {
    ...world,
    membership,
    trainerOf: moodyTrainers(seed, [...members, newcomer], calmMoods),
    // Each change may wait for a round, and its votes for those who come back.
    untilMs: endOf(drawn) + calmMsMax + membership.length * 8 * roundTimeoutMs,
  };
}

/** Runs a world, and says in one line what went wrong; null when it ended well. */
export async function failureOf(options: SimulationOptions): Promise<string | null> {
  const record = await simulateConsortium(options);
  return record.outcome === 'done' ? null : describeRecord(record);
}

function describeRecord({ outcome, violation, nodes }: SimulationRecord): string {
  if (violation !== null) return `${violation.invariant} at ${violation.node}: ${violation.detail}`;
  const heights = nodes.map(({ id, height, isDone }) => `${id} ${height}${isDone ? ' done' : ''}`);
  return `${outcome}: ${heights.join(', ')}`;
}

/** How often a hospital's own work goes wrong, 0 to 1. */
interface Moods {
  readonly failRate: number;
  readonly refuseRate: number;
}

const calmMoods: Moods = { failRate: 0, refuseRate: 0 };

/** Quadratics that at first fail to train, or refuse good models. */
function moodyTrainers(
  seed: number,
  members: readonly NodeId[],
  { failRate, refuseRate }: Moods,
): NonNullable<SimulationOptions['trainerOf']> {
  const quadratics = seededQuadratics(seed, members);
  return (id, clock, store): Trainer => {
    const random = seededRandom(seed).fork(`moods of ${id}`);
    const { optimum, samples } = quadratics.get(id)!;
    const durationMs = (): number => 500 + random.integer(1_500);
    const trainer = (shift: number): Trainer => {
      const training = { optimum: optimum.map((c) => c + shift), samples, share: seededShare };
      return quadraticTrainer(id, clock, store, { ...training, durationMs });
    };
    const happens = (rate: number): boolean =>
      random.uniform() < rate && clock.nowMs() < worldStartMs + moodyUntilMs;
    const sound = trainer(0);
    return {
      ...sound,
      async train(job, report) {
        if (happens(failRate)) throw new Error('the loss is not finite');
        // A round that is done again gives another model: what a hold-out refused once it refuses for good.
        return trainer(job.round / 1000).train(job, report);
      },
      check: (stage, model) =>
        happens(refuseRate) ? Promise.resolve(NaN) : sound.check(stage, model),
    };
  };
}

function oneOf<T>(random: Random, from: readonly T[]): T {
  return from[random.integer(from.length)]!;
}
