/**
 * A run in virtual time: the peers of the main job on virtual machines, with its plan and its timings, and hospitals that
 * learn a quadratic each in place of images. Nothing in its record comes from this machine: the same settings and faults
 * give the same record, byte for byte.
 */
import { invariant, messageOf, seededRandom, type NodeId } from '../../base/index.ts';
import {
  type HospitalSettings,
  limitsOf,
  membersOf,
  planOf,
  type RunSettings,
} from '../../config/index.ts';
import type {
  LogVerdict,
  NodeRecord,
  OnProgress,
  RunRecord,
  VirtualRecord,
} from '../../report/index.ts';
import type { Peer } from '../../peer/index.ts';
import {
  drawFaults,
  endOf,
  memberNames,
  readFaults,
  simulateConsortium,
  worldStartMs,
  readAttack,
  type Attack,
  type Fault,
  type SimulationRecord,
  type VirtualNode,
  type VirtualWorld,
} from '../../simulate/index.ts';
import { limits, quorumOf, WireError, type Plan } from '../../wire/index.ts';
import { SimulateError } from './errors.ts';
import { RunRecorder } from './run-recorder.ts';
import { untilStopped } from './until-stopped.ts';

/** What a run in virtual time is asked beside its settings. */
export interface VirtualPorts {
  /** Name of the run, for the record. */
  readonly id: string;
  readonly faults: readonly Fault[];
  /** What members do against the others; null for nothing. */
  readonly attack: Attack | null;
  /** The run is given up after so much virtual time, ms; null: when every round could have come to its deadline. */
  readonly untilMs: number | null;
  /** Fires when the person at the terminal wants to stop. */
  readonly signal: AbortSignal;
}

/** More than any quadratic of this world has. */
const parameterCountMax = 1_000;
/** A round without faults takes about as long, ms. */
const roundMs = 3_000;
/** Of faults that are drawn. */
const drawnMax = 8;
const drawnForMsMax = 30_000;

/**
 * The same consortium with `count` hospitals: the preset's, again and again from the first, under names that ascend.
 * @throws {SimulateError} 'bad_members' unless there may be so many
 */
export function withMembers(settings: RunSettings, count: number): RunSettings {
  const { membersMax } = limits;
  if (!Number.isInteger(count) || count < 1 || count > membersMax) {
    throw new SimulateError(
      { code: 'bad_members' },
      `--members: expected a whole number from 1 to ${membersMax}, got ${count}`,
    );
  }
  const { hospitals: known } = settings.consortium;
  const hospitals = memberNames(count).map((id, at): HospitalSettings => {
    const like = known[at % known.length];
    invariant(like !== undefined, 'a preset names its hospitals');
    return { ...like, id };
  });
  return { ...settings, consortium: { ...settings.consortium, hospitals } };
}

/**
 * Faults as a file has them: a list, or the record of a run in virtual time, whose faults are taken.
 * @param name what the file is called in messages
 * @throws {SimulateError} 'bad_faults' naming what was expected, and where
 */
export function faultsFrom(text: string, name: string, settings: RunSettings): readonly Fault[] {
  try {
    const value: unknown = JSON.parse(text);
    const { virtual } = Object(value) as { virtual?: { faults?: unknown } | null };
    return readFaults(Array.isArray(value) ? value : virtual?.faults, membersOf(settings));
  } catch (error) {
    if (!(error instanceof WireError) && !(error instanceof SyntaxError)) throw error;
    const reason = messageOf(error);
    throw new SimulateError({ code: 'bad_faults' }, `${name}: ${reason}`, { cause: error });
  }
}

/**
 * An attack as a file has it: by itself, or in the record of a run in virtual time.
 * @param name what the file is called in messages
 * @throws {SimulateError} 'bad_attack' naming what was expected, and where
 */
export function attackFrom(text: string, name: string, settings: RunSettings): Attack {
  try {
    const value: unknown = JSON.parse(text);
    const { virtual } = Object(value) as { virtual?: { attack?: unknown } | null };
    return readAttack(virtual?.attack ?? value, membersOf(settings));
  } catch (error) {
    if (!(error instanceof WireError) && !(error instanceof SyntaxError)) throw error;
    const reason = messageOf(error);
    throw new SimulateError({ code: 'bad_attack' }, `${name}: ${reason}`, { cause: error });
  }
}

/** Up to eight faults by chance, all of which end. The same seed and settings give the same. */
export function drawnFaults(seed: number, settings: RunSettings): readonly Fault[] {
  const { stages } = planOf(settings);
  const untilMs = roundMs * stages.reduce((sum, { rounds }) => sum + rounds, 0);
  const range = { untilMs, forMsMax: drawnForMsMax, countMax: drawnMax };
  const members = membersOf(settings);
  // Read as those of a file are, so that a record that is made again from its faults is the same bytes.
  return readFaults(drawFaults(seededRandom(seed).fork('faults'), members, range), members);
}

/**
 * Runs it to its end, and gives the record of it.
 * @throws {SimulateError} 'cancelled' when the signal fired
 */
export async function runVirtual(
  settings: RunSettings,
  { id, faults, attack, untilMs, signal }: VirtualPorts,
  onProgress: OnProgress,
): Promise<RunRecord> {
  const plan = planOf(settings);
  const made: VirtualWorld[] = [];
  const clock = { nowMs: (): number => made[0]?.clock.nowMs() ?? worldStartMs };
  const recorder = new RunRecorder(settings, id, onProgress, clock, worldStartMs);
  const simulation = await untilStopped(signal, () =>
    simulateConsortium({
      seed: settings.seed,
      members: membersOf(settings),
      plan,
      limits: limitsOf(parameterCountMax),
      consensus: settings.consensus,
      settings: settings.peer,
      faults,
      ...(attack && { attack }),
      untilMs: untilMs ?? endOf(faults) + patienceMs(plan),
      prepare: (world) => {
        made.push(world);
        recorder.begin(world.consortium, { before: [], after: [] });
      },
      onEvent: (node, event, atMs) => {
        if (signal.aborted) throw new SimulateError({ code: 'cancelled' }, 'stopped');
        // Blocks have the time of whoever proposed them, whose clock may be wrong.
        recorder.peerEvent(node, 'atMs' in event ? { ...event, atMs } : event);
      },
      onFault: (fault, isBegin) => {
        tell(recorder, fault, isBegin);
      },
    }),
  );
  const [world] = made;
  invariant(world !== undefined, 'a world was made');
  recorder.ended([...world.nodes.values()].map(nodeRecord));
  recorder.judged(verdictOf(world, simulation));
  return recorder.record(null, virtualRecord(simulation));
}

/** As long as all rounds may take: each to its deadline, and as long again until its cut must be found. */
function patienceMs({ stages }: Plan): number {
  return stages.reduce((sum, { rounds, roundTimeoutMs }) => sum + rounds * 2 * roundTimeoutMs, 0);
}

function virtualRecord(simulation: SimulationRecord): VirtualRecord {
  const { faults, attack, outcome, messages, crypto } = simulation;
  return { faults, ...(attack && { attack }), outcome, messages, crypto: { ...crypto } };
}

function nodeRecord(node: VirtualNode): NodeRecord {
  const { id, peer, transport } = node;
  const traffic = transport?.stats() ?? { sentBytes: 0, receivedBytes: 0 };
  const head = headOf(node);
  return {
    id,
    sentBytes: node.sentBytes + traffic.sentBytes,
    receivedBytes: node.receivedBytes + traffic.receivedBytes,
    modelDigest: peer?.state.models.get('student') ?? null,
    logSize: head?.size ?? 0,
    logRoot: head?.root ?? '',
    height: head?.height ?? 0,
  };
}

/** The log of a node that has carried out the plan; one that is down or just starting has none to show. */
function logOf({ peer, isDone }: VirtualNode): Peer['log'] | null {
  return isDone && peer !== null ? peer.log : null;
}

function headOf(node: VirtualNode): Peer['log']['head'] | null {
  return logOf(node)?.head ?? null;
}

/**
 * The logs as the world's invariants saw them: every chain is the fold of its log, and all are one. The keys of a virtual
 * world are no points of a curve, so that the verifier of real logs has nothing to say of them.
 */
function verdictOf(world: VirtualWorld, { outcome, violation }: SimulationRecord): LogVerdict {
  const nodes = [...world.nodes.values()];
  const heads = nodes.flatMap((node) => headOf(node) ?? []);
  const [first] = heads;
  const findings: string[] = [];
  if (violation !== null) {
    findings.push(`${violation.node}: ${violation.invariant}: ${violation.detail}`);
  }
  if (outcome === 'late') findings.push('time was up before all nodes had carried out the plan');
  if (heads.length < nodes.length || new Set(heads.map(({ root }) => root)).size > 1) {
    findings.push('the nodes hold different logs');
  }
  return {
    ok: findings.length === 0,
    nodesVerified:
      outcome === 'done' ? nodes.filter((node) => headOf(node)?.root === first?.root).length : 0,
    entries: first?.size ?? 0,
    root: first?.root ?? '',
    cosignatures: Math.max(0, ...nodes.map((node) => logOf(node)?.cosigners().length ?? 0)),
    quorum: quorumOf(nodes.length),
    findings,
  };
}

function tell(recorder: RunRecorder, fault: Fault, isBegin: boolean): void {
  const node = 'node' in fault ? fault.node : 'all';
  if (fault.kind === 'kill') {
    const [kind, note] = isBegin
      ? (['killed', 'its power went'] as const)
      : (['restarted', 'started again from its own disk'] as const);
    recorder.disturbed(node, kind, note);
    return;
  }
  recorder.disturbed(node, isBegin ? 'disturbed' : 'over', wordsOf(fault));
}

/** What a fault is, in a few words. */
function wordsOf(fault: Exclude<Fault, { kind: 'kill' }>): string {
  const listed = (facts: object): string =>
    Object.entries(facts)
      .map(([name, value]) => `${name} ${String(value)}`)
      .join(', ');
  switch (fault.kind) {
    case 'pause':
      return 'its program stands still';
    case 'partition':
      return `the network falls into ${fault.groups.map(groupWords).join(' | ')}`;
    case 'cut':
      return `what ${groupWords(fault.from)} send to ${groupWords(fault.to)} is lost`;
    case 'network':
      return `the network is worse: ${listed(fault.faults)}`;
    case 'disk':
      return `its disk is worse: ${listed(fault.faults)}`;
    case 'clock':
      return `its clock is wrong: ${listed(fault.error)}`;
    case 'slow':
      return `its training takes ${fault.factor} times as long`;
  }
}

function groupWords(nodes: readonly NodeId[]): string {
  return nodes.length === 0 ? 'nobody' : nodes.join(' ');
}
