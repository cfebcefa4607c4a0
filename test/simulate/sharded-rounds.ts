/** Rounds in shards finish as exact ones do, although members are slow, silent, crash or lie: one model, known by arithmetic. */
import { expect } from 'chai';
import type { NodeId } from '../../src/base/index.ts';
import type { PeerEvent } from '../../src/peer/index.ts';
import {
  memberNames,
  modelAfter,
  optimumOf,
  seededQuadratics,
  seededShare,
  simulateConsortium,
  virtualPlan,
  type SimulationOptions,
  type SimulationRecord,
  type VirtualWorld,
} from '../../src/simulate/index.ts';
import { decodeSafetensors } from '../../src/weights/index.ts';
import { faultCountMax, type RoundRule } from '../../src/wire/index.ts';
import { crashes, muted, trainers, type Kind } from './ten-rounds.ts';

export const exactRule: RoundRule = {
  ...{ kind: 'exact', samplesCap: 50, weightMax: 100, clampMicro: 1_000_000 },
  ...{ outerRateMicro: 1_000_000, outerMomentumMicro: 0 },
};
export const shardedRule: RoundRule = { ...exactRule, kind: 'sharded', reducers: 3 };
const modelSize = 4;

/** What came of a run: its record, all events, and the models' numbers as they lie on a node's disk. */
interface Ran {
  readonly record: SimulationRecord;
  readonly events: readonly (readonly [NodeId, PeerEvent])[];
  readonly world: VirtualWorld;
}

export async function run(
  count: number,
  rounds: number,
  rule: RoundRule,
  more: Partial<SimulationOptions> = {},
): Promise<Ran> {
  const members = memberNames(count);
  const plan = virtualPlan({ participants: members, rounds, roundTimeoutMs: 16_000, rule });
  const events: [NodeId, PeerEvent][] = [];
  const worlds: VirtualWorld[] = [];
  const record = await simulateConsortium({
    ...{ seed: count, members, plan },
    onEvent: (id, event) => void events.push([id, event]),
    prepare: (made) => void worlds.push(made),
    ...more,
  });
  expect(record.outcome, JSON.stringify(record.violation)).to.equal('done');
  return { record, events, world: worlds[0]! };
}

export function sealedModels({ rounds }: SimulationRecord): string[] {
  return rounds.map((round) => (round.outcome === 'sealed' ? round.model : round.reason));
}

/** Whom honest nodes name. */
export function named({ events }: Ran): Set<NodeId> {
  return new Set(events.flatMap(([, event]) => (event.kind === 'false-sum' ? [event.member] : [])));
}

export function modelsOfNodes({ nodes }: SimulationRecord, except: readonly NodeId[]): Set<string> {
  const honest = nodes.filter(({ id }) => !except.includes(id));
  return new Set(honest.map(({ models }) => models.student!));
}

/** f members fail, each as its kind says; all that are not silent end with one model, known by arithmetic. */
export async function endsWell(count: number, kinds: readonly Kind[]): Promise<void> {
  const members = memberNames(count);
  const failing = members.filter((_, at) => at % 3 === 1).slice(0, faultCountMax(count));
  expect(failing.length).to.equal(Math.floor((count - 1) / 3));
  const of = (kind: Kind): NodeId[] => failing.filter((_, at) => kinds[at % kinds.length] === kind);
  const [stragglers, silent] = [of('stragglers'), of('silent')];
  const { record, world, events } = await run(count, 10, shardedRule, {
    excused: silent,
    trainerOf: trainers(count, members, stragglers),
    faults: crashes(of('crashing')),
    parts: {
      bend: (transport) => (silent.includes(transport.self) ? muted(transport) : transport),
    },
    disk: { writeMs: 2 },
    settings: { tickMs: 1_000, silenceMs: 4_000 },
  });
  const sealed = record.rounds.filter((round) => round.outcome === 'sealed');
  expect(sealed.length).to.equal(10);
  expect(modelsOfNodes(record, silent).size, 'models').to.equal(1);
  expect(named({ record, world, events })).to.deep.equal(new Set());
  for (const round of sealed) {
    for (const id of [...stragglers, ...silent]) expect(round.participants).to.not.include(id);
  }
  const hospitals = seededQuadratics(count, members);
  const cuts = sealed.map((round) => round.participants.map((id) => hospitals.get(id)!));
  const expected = modelAfter(cuts, seededShare, modelSize);
  const optimum = optimumOf(cuts.at(-1)!);
  const isPlain = !kinds.includes('crashing') && record.rounds.length === 10;
  const [model] = modelsOfNodes(record, silent);
  const file = world.node(members[0]!).disk.files.get(`blobs/${model}`)!;
  const [tensor] = decodeSafetensors(file).tensors;
  expected.forEach((value, at) => {
    const got = tensor!.data[at] as number;
    if (isPlain) expect(got, `coordinate ${at}`).to.be.closeTo(value, 1e-4);
    // Ten halvings of a distance of at most 0.5, and who crashed moves the goal a little.
    const within = kinds.includes('crashing') ? 0.1 : 0.001;
    expect(got, `coordinate ${at}`).to.be.closeTo(optimum[at]!, within);
  });
}
