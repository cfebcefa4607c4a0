/** Consortia that finish ten rounds although as many members as may fail do. */
import { expect } from 'chai';
import { seededRandom, type NodeId } from '../../src/base/index.ts';
import {
  memberNames,
  modelAfter,
  optimumOf,
  quadraticTrainer,
  seededQuadratics,
  seededShare,
  simulateConsortium,
  virtualPlan,
  type Fault,
  type SimulationOptions,
  type VirtualWorld,
} from '../../src/simulate/index.ts';
import { decodeSafetensors } from '../../src/weights/index.ts';
import { faultCountMax, type Transport } from '../../src/wire/index.ts';

const rounds = 10;
const modelSize = 4;
/** How a member fails. */
export type Kind = 'stragglers' | 'silent' | 'crashing';
/** All of them. */
export const kinds: readonly Kind[] = ['stragglers', 'silent', 'crashing'];

/** f members fail, each as its kind says; all that are not silent end with one model, known by arithmetic. */
export async function endsWell(count: number, kinds: readonly Kind[]): Promise<void> {
  const members = memberNames(count);
  // In large consortia a part of them trains; all vote.
  const participants = members.filter((_, at) => at % Math.ceil(count / 31) === 0);
  const failing = members.filter((_, at) => at % 3 === 1).slice(0, faultCountMax(count));
  expect(failing.length).to.equal(Math.floor((count - 1) / 3));
  const of = (kind: Kind): NodeId[] => failing.filter((_, at) => kinds[at % kinds.length] === kind);
  const [stragglers, silent] = [of('stragglers'), of('silent')];
  let world: VirtualWorld | undefined;
  const record = await simulateConsortium({
    ...{ seed: count, members, excused: silent },
    plan: virtualPlan({ participants, rounds, roundTimeoutMs: 8_000 }),
    trainerOf: trainers(count, members, stragglers),
    faults: crashes(of('crashing')),
    parts: {
      bend: (transport) => (silent.includes(transport.self) ? muted(transport) : transport),
    },
    disk: { writeMs: 2 },
    settings: { tickMs: 5_000, holdsDelayMs: 1_000 },
    prepare: (made) => {
      world = made;
    },
  });
  expect(record.outcome, JSON.stringify(record.violation)).to.equal('done');
  const sealed = record.rounds.filter((round) => round.outcome === 'sealed');
  expect(sealed.length).to.equal(rounds);
  const models = record.nodes
    .filter(({ id }) => !silent.includes(id))
    .map((node) => node.models.student);
  expect(new Set(models).size, 'models').to.equal(1);
  const hospitals = seededQuadratics(count, members);
  for (const round of sealed) {
    // Whoever is always late or never heard is in no cut; whoever crashes may be in some.
    for (const id of [...stragglers, ...silent]) expect(round.participants).to.not.include(id);
  }
  const cuts = sealed.map((round) => round.participants.map((id) => hospitals.get(id)!));
  const expected = modelAfter(cuts, seededShare, modelSize);
  const optimum = optimumOf(cuts.at(-1)!);
  // What was learnt in a round that ended without its hospital, or without a model, is in a later one: not by that formula.
  const isPlain = !kinds.includes('crashing') && record.rounds.length === rounds;
  const [tensor] = decodeSafetensors(
    world!.node(participants[0]!).disk.files.get(`blobs/${models[0]}`)!,
  ).tensors;
  expected.forEach((value, at) => {
    const got = tensor!.data[at] as number;
    // Each round rounds to 2^-23 of the clamp, times the members.
    if (isPlain) expect(got, `coordinate ${at}`).to.be.closeTo(value, 1e-4);
    // Ten halvings of a distance of at most 0.5, and who crashed moves the goal a little.
    expect(got, `coordinate ${at}`).to.be.closeTo(
      optimum[at]!,
      kinds.includes('crashing') ? 0.1 : 0.001,
    );
  });
}

/** As the seed's own trainers, but for those that need longer than late work is worth (late-work.test.ts): they are in no cut. */
export function trainers(
  seed: number,
  members: readonly NodeId[],
  stragglers: readonly NodeId[],
): NonNullable<SimulationOptions['trainerOf']> {
  const hospitals = seededQuadratics(seed, members);
  return (id, clock, store) => {
    const random = seededRandom(seed).fork(`training ${id}`);
    const durationMs = (): number =>
      stragglers.includes(id) ? 120_000 : 1_000 + random.integer(1_000);
    return quadraticTrainer(id, clock, store, {
      ...hospitals.get(id)!,
      share: seededShare,
      durationMs,
    });
  };
}

/** Hears all and says nothing. */
export function muted(transport: Transport): Transport {
  transport.broadcast = () => undefined;
  transport.send = () => undefined;
  return transport;
}

/** Each loses its power four times, for a second and a half. */
export function crashes(ids: readonly NodeId[]): Fault[] {
  return ids.flatMap((node, at) =>
    [0, 1, 2, 3].map((time): Fault => {
      return { atMs: 1_500 + 7_000 * time + 137 * at, forMs: 1_500, kind: 'kill', node };
    }),
  );
}
