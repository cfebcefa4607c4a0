/**
 * Runs a virtual consortium to its end and gives the record of it. The same options give the same record, byte for byte.
 *
 * @example
 * const record = await simulateConsortium({ seed: 7, members: memberNames(16), plan: virtualPlan({ … }) });
 * record.outcome;            // 'done'
 * record.rounds.at(-1).model // the digest that every node sealed last
 */
import {
  invariant,
  seededRandom,
  type Clock,
  type Digest,
  type NodeId,
  type Store,
} from '../base/index.ts';
import type { ConsensusSettings } from '../consensus/index.ts';
import type { Signer } from '../crypto/index.ts';
import type { PeerEvent, PeerSettings, SealedRound, Trainer } from '../peer/index.ts';
import {
  samplingRangesMicro,
  type ConsortiumLimits,
  type Plan,
  type PlanImages,
  type PlanSampling,
  type PlanStage,
  type RoundRule,
  type SuccessorCheck,
  type Training,
} from '../wire/index.ts';
import { countedCrypto, type CountedCrypto, type CryptoCounts } from './counted-crypto.ts';
import type { Attack } from './attacks/attack.ts';
import { lyingReducers } from './attacks/lying-reducers.ts';
import { lyingTrainer } from './attacks/lying-trainer.ts';
import { lyingTransport } from './attacks/lying-transport.ts';
import { twoFaced, type TwoFacedParts } from './attacks/two-faced.ts';
import type { Fault } from './faults.ts';
import type { Violation } from './invariants.ts';
import { virtualConsortium, virtualMember, virtualSuccession } from './members.ts';
import type { MembershipChange } from './membership.ts';
import { changeOf, quadraticTrainer, type Quadratic } from './quadratic-trainer.ts';
import type { DiskFaults } from './virtual-disk.ts';
import type { NetworkCounts, NetworkFaults } from './virtual-network.ts';
import { VirtualWorld, worldStartMs, type WorldOptions, type WorldOutcome } from './world.ts';

/** A virtual consortium and what happens to it. */
export interface SimulationOptions {
  /** Fixes everything: keys, delays, what hospitals learn, the order of events. */
  readonly seed: number;
  /** Ascending. */
  readonly members: readonly NodeId[];
  readonly plan: Plan;
  /** `virtualLimits` where absent. */
  readonly limits?: ConsortiumLimits;
  /** The learning of a member on its machine's clock; a quadratic that follows from the seed where absent. */
  readonly trainerOf?: WorldOptions['trainerOf'];
  readonly network?: Partial<NetworkFaults>;
  readonly disk?: Partial<DiskFaults>;
  readonly consensus?: ConsensusSettings;
  readonly settings?: Partial<PeerSettings>;
  readonly faults?: readonly Fault[];
  /** How the members change, in this order. */
  readonly membership?: readonly MembershipChange[];
  /** What members do against the others. Nobody waits for two-faced ones at the end. */
  readonly attack?: Attack;
  /** Members that nobody waits for at the end: those whose faults never end. */
  readonly excused?: readonly NodeId[];
  /** The run is given up after so much virtual time, ms; a day where absent. */
  readonly untilMs?: number;
  /** Hears of everything as it happens; `atMs` is virtual time, ms since 1970. */
  readonly onEvent?: (id: NodeId, event: PeerEvent, atMs: number) => void;
  readonly onFault?: WorldOptions['onFault'];
  /** Tests reach into the world before it starts. */
  readonly prepare?: (world: VirtualWorld) => void;
  /** Further parts of the world, for tests that make it worse. */
  readonly parts?: Partial<Pick<WorldOptions, 'bend' | 'bendStore' | 'liars' | 'crypto'>> & {
    readonly succeed?: SuccessorCheck;
  };
}

/** A round as it was decided. */
export type SimulatedRound =
  | ({ readonly outcome: 'sealed' } & Omit<SealedRound, 'participants'> & {
        readonly participants: readonly NodeId[];
      })
  | {
      readonly outcome: 'void';
      readonly round: number;
      readonly reason: string;
      readonly height: number;
      readonly atMs: number;
    };

/** How a node stood at the end. */
export interface SimulatedNode {
  readonly id: NodeId;
  readonly isDone: boolean;
  readonly height: number;
  /** Latest sealed model of each stage. */
  readonly models: Readonly<Record<string, Digest>>;
  readonly starts: number;
  readonly sentBytes: number;
  readonly diskBytes: number;
}

/** What a run was and what came of it: JSON. */
export interface SimulationRecord {
  readonly format: 'annulus/simulation/v1';
  readonly seed: number;
  readonly members: readonly NodeId[];
  readonly plan: Plan;
  readonly faults: readonly Fault[];
  readonly membership?: readonly MembershipChange[];
  readonly attack?: Attack;
  readonly outcome: WorldOutcome;
  /** The invariant that was broken, where one was. */
  readonly violation: Violation | null;
  readonly rounds: readonly SimulatedRound[];
  /** Digest of the block of each height, from 1. */
  readonly blocks: readonly Digest[];
  readonly nodes: readonly SimulatedNode[];
  readonly messages: NetworkCounts;
  readonly crypto: CryptoCounts;
  /** Virtual time that it took, ms. */
  readonly tookMs: number;
}

/** Limits that quadratics fit in. */
export const virtualLimits: ConsortiumLimits = Object.freeze({
  updateBytesMax: 100_000,
});

/** Plain averaging: no more than 50 samples count, as shares of 100; changes of at most 1. */
const virtualRule: RoundRule = {
  ...{ kind: 'exact', samplesCap: 50, weightMax: 100, clampMicro: 1_000_000 },
  ...{ outerRateMicro: 1_000_000, outerMomentumMicro: 0 },
};

/** What a plan must say of training; quadratics do not read it. */
const virtualTraining: Training = {
  ...{ patch: [8, 8, 8], batch: 1, optimiser: { kind: 'adamw', weightDecayMicro: 0 } },
  ...{ clipNormMicro: 0, proxMuMicro: 0, resetOptimiser: false },
  sampling: Object.fromEntries(
    Object.entries(samplingRangesMicro).map(([name, [least]]) => [`${name}Micro`, least]),
  ) as PlanSampling,
  distillation: {
    ...{ passes: 1, rotationDegMaxMicro: 0, scaleShareMaxMicro: 0, targets: 'hard' },
    ...{ temperatureMicro: 1_000_000, confidenceMinMicro: 0, weightByUncertainty: false },
  },
};

/** What a plan must say of images; quadratics have none. */
const virtualImages: PlanImages = {
  ...{ spacingMmMicro: [1_000_000, 1_000_000, 1_000_000], pointRadiusMmMicro: 1_000_000 },
  heart: 'none',
  intensity: {
    ...{ clipLowHuMicro: 0, clipHighHuMicro: 1_000_000 },
    ...{ meanHuMicro: 0, stdHuMicro: 1_000_000 },
  },
};

/** Half of the way: after ten rounds a thousandth of the distance is left. */
const trainingShare = 0.5;
const modelSize = 4;
const dayMs = 86_400_000;

/** A plan of one stage in which all of `participants` train. */
export function virtualPlan(
  stage: Pick<PlanStage, 'participants' | 'rounds'> & Partial<PlanStage>,
): Plan {
  return {
    seed: 1,
    images: virtualImages,
    stages: [
      {
        ...{ id: 'student', kind: 'student', model: {}, stepsPerRound: 1 },
        ...{ learningRateMicro: 1_000, schedule: 'constant' },
        ...{ roundTimeoutMs: 60_000, minParticipants: 1 },
        ...{ rule: virtualRule, training: virtualTraining },
        ...stage,
      },
    ],
  };
}

/** What the hospitals of a seed learn from where no trainer is given: optima within ±0.5, 1 to 50 samples. */
export function seededQuadratics(
  seed: number,
  members: readonly NodeId[],
): ReadonlyMap<NodeId, Quadratic> {
  const random = seededRandom(seed).fork('quadratics');
  return new Map(
    members.map((id) => {
      const own = random.fork(id);
      const optimum = Array.from({ length: modelSize }, () => own.uniform() - 0.5);
      return [id, { optimum, samples: 1 + own.integer(50) }];
    }),
  );
}

/** The share of the way that hospitals go in a round where no trainer is given. */
export const seededShare: number = trainingShare;

/** See the file's header. */
export async function simulateConsortium(options: SimulationOptions): Promise<SimulationRecord> {
  const { seed, members, plan, faults = [], untilMs = dayMs } = options;
  const counted = countedCrypto(seed);
  const keyed = members.map((id) => virtualMember(id, counted));
  const facts = { name: 'virtual', domain: 'virtual.example', plan };
  const consortium = virtualConsortium(keyed, {
    ...facts,
    limits: options.limits ?? virtualLimits,
  });
  const joining = (options.membership ?? []).filter(({ kind }) => kind === 'join');
  const everybody = [...members, ...joining.map(({ node }) => node)];
  const keys = new Map(keyed.map(({ id, keys: own }) => [id, own]));
  const rounds = new Map<number, SimulatedRound>();
  const world: VirtualWorld = new VirtualWorld({
    ...worldParts(options),
    ...attackParts(options, counted, (id) => world.node(id).peer?.log ?? null),
    ...{ seed, consortium, faults, crypto: options.parts?.crypto ?? counted },
    ...(options.membership && {
      membership: {
        changes: options.membership,
        memberOf: (id, generation) => virtualMember(id, counted, [], generation),
        succeed: virtualSuccession(counted),
        ...(options.parts?.succeed && { bent: options.parts.succeed }),
      },
    }),
    keysOf: (id) => {
      const own = keys.get(id);
      invariant(own !== undefined, `${id} has keys`);
      return { ...own, sealPrivate: own.seal.privateKey };
    },
    trainerOf: lyingTrainers(options, everybody),
    onEvent: (id, event, atMs) => {
      noteRound(rounds, event);
      options.onEvent?.(id, event, atMs);
    },
  });
  options.prepare?.(world);
  world.start();
  const { attack } = options;
  // What the others must come to the end in spite of; liars of consensus and of sums lie to their own program too.
  const liars =
    attack?.kind === 'two-faced' || attack?.kind === 'lying-reducers' ? attack.liars : [];
  const excused = new Set([...(options.excused ?? []), ...liars]);
  const waitedFor = members.filter((id) => !excused.has(id));
  const isEnough = (): boolean =>
    options.membership ? world.isDone() : waitedFor.every((id) => world.node(id).isDone);
  const outcome = await world.run(untilMs, isEnough);
  return {
    ...{ format: 'annulus/simulation/v1', seed, members, plan, faults, outcome },
    ...(options.membership && { membership: options.membership }),
    ...(options.attack && { attack: options.attack }),
    violation: world.invariants.violation,
    rounds: [...rounds.values()].sort((a, b) => a.round - b.round),
    blocks: world.invariants.blocks(),
    nodes: [...world.nodes.keys()].map((id) => nodeRecord(world, id)),
    messages: { ...world.network.counts },
    crypto: { ...counted.counts },
    tookMs: world.clock.nowMs() - worldStartMs,
  };
}

function worldParts(
  options: SimulationOptions,
): Omit<WorldOptions, 'seed' | 'consortium' | 'faults' | 'crypto' | 'keysOf' | 'trainerOf'> {
  const { network, disk, consensus, settings, onFault, parts } = options;
  const { bend, bendStore, liars } = parts ?? {};
  return {
    ...(network && { network }),
    ...(disk && { disk }),
    ...(consensus && { consensus }),
    ...(settings && { settings }),
    ...(onFault && { onFault }),
    ...(bend && { bend }),
    ...(bendStore && { bendStore }),
    ...(liars && { liars }),
  };
}

function attackParts(
  { attack, members, seed }: Pick<SimulationOptions, 'attack' | 'members' | 'seed'>,
  crypto: CountedCrypto,
  logOf: TwoFacedParts['logOf'],
): Pick<WorldOptions, 'bend' | 'liars'> {
  if (attack === undefined) return {};
  const { liars } = attack;
  if (attack.kind === 'lying-reducers') {
    const logSignerOf = (id: NodeId): Signer => virtualMember(id, crypto).keys.log;
    return { liars, bend: lyingReducers(attack, logSignerOf) };
  }
  if (attack.kind !== 'two-faced') {
    const random = seededRandom(seed).fork('attack');
    return { bend: lyingTransport(attack, (id) => random.fork(`network of ${id}`)) };
  }
  const signerOf = (id: NodeId): Signer => virtualMember(id, crypto).keys.consensus;
  return { liars, bend: twoFaced({ attack, members, signerOf, logOf }) };
}

/** The learning of all members, that of liars bent. Liars know what the honest learn where it follows from the seed. */
function lyingTrainers(
  { seed, attack, trainerOf }: SimulationOptions,
  members: readonly NodeId[],
): WorldOptions['trainerOf'] {
  const quadratics = seededQuadratics(seed, members);
  const honestOf = trainerOf ?? seededTrainers(seed, quadratics);
  if (attack === undefined) return honestOf;
  const honest = members.filter((id) => !attack.liars.includes(id));
  const mirrored = [...quadratics].map(([id, { optimum, samples }]): [NodeId, Quadratic] => {
    return [id, { optimum: optimum.map((c) => -c), samples }];
  });
  const flipped = seededTrainers(seed, new Map(mirrored));
  const random = seededRandom(seed).fork('attack');
  return (id, clock, store) => {
    const trainer = honestOf(id, clock, store);
    if (!attack.liars.includes(id)) return trainer;
    return lyingTrainer({
      ...{ attack, trainer, clock, store, flipped: flipped(id, clock, store) },
      random: random.fork(id),
      honestChanges: (start) =>
        trainerOf !== undefined
          ? []
          : honest.map((one) => changeOf(quadratics.get(one), start, trainingShare)),
    });
  };
}

/** Trains for one to two seconds, each round another time. */
function seededTrainers(
  seed: number,
  quadratics: ReadonlyMap<NodeId, Quadratic>,
): WorldOptions['trainerOf'] {
  return (id: NodeId, clock: Clock, store: Store): Trainer => {
    const quadratic = quadratics.get(id);
    invariant(quadratic !== undefined, `${id} learns from something`);
    const random = seededRandom(seed).fork(`training ${id}`);
    const durationMs = (): number => 1_000 + random.integer(1_000);
    return quadraticTrainer(id, clock, store, { ...quadratic, share: trainingShare, durationMs });
  };
}

function noteRound(rounds: Map<number, SimulatedRound>, event: PeerEvent): void {
  if (event.kind === 'sealed' && !rounds.has(event.round)) {
    const { kind, participants, ...sealed } = event;
    const names = participants.map(({ node }) => node);
    rounds.set(event.round, { outcome: kind, ...sealed, participants: names });
  } else if (event.kind === 'void' && !rounds.has(event.round)) {
    const { kind, ...round } = event;
    rounds.set(event.round, { outcome: kind, ...round });
  }
}

function nodeRecord(world: VirtualWorld, id: NodeId): SimulatedNode {
  const node = world.node(id);
  const state = node.peer?.state;
  return {
    ...{ id, isDone: node.isDone, height: state?.height ?? 0, starts: node.runs },
    models: Object.fromEntries(state?.models ?? []),
    sentBytes: node.sentBytes + (node.transport?.stats().sentBytes ?? 0),
    diskBytes: node.disk.bytes,
  };
}
