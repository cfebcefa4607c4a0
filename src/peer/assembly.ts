/** Puts the pieces of a peer together: each is given what it needs, and knows nothing else of the others. */
import { base64, doNow, type Height, type NodeId } from '../base/index.ts';
import { SimplexMachine, type Decision, type SimplexOptions } from '../consensus/index.ts';
import type { ContentStore } from '../gossip/index.ts';
import {
  decodeBlockBody,
  memberOf,
  membershipOf,
  verifySuccessor,
  type BlockBody,
  type Member,
  type SignedManifest,
} from '../wire/index.ts';
import { AppliedChain } from './applied-chain.ts';
import type { BlockNews } from './block-news.ts';
import type { RuleContext } from './block-rules.ts';
import type { LocalView } from './local-view.ts';
import { CatchUp } from './catch-up.ts';
import { suspendedBy, type ChainState } from './chain.ts';
import { Checkpoints } from './checkpoints.ts';
import { ConsensusDriver } from './consensus-driver.ts';
import type { CountedChecks } from './counted-checks.ts';
import { CurrentRound } from './current-round.ts';
import { fateOfUpdate } from './rounds/taken-in.ts';
import { epochContext, votersOf } from './epoch-context.ts';
import type { EventQueue, Task } from './event-queue.ts';
import { Housekeeper } from './housekeeping.ts';
import { MessageGate } from './message-gate.ts';
import type { ModelStore } from './model-store.ts';
import { Outbox } from './outbox.ts';
import type { OwnRecord } from './own-record.ts';
import type { OwnWork } from './own-work.ts';
import type { PeerOptions } from './peer-options.ts';
import type { PlanModels } from './plan-models.ts';
import type { PeerPorts } from './ports.ts';
import { Proposals } from './proposals.ts';
import type { Recovered } from './recovery.ts';
import type { Timers } from './timers.ts';

/** What a peer has from its start to its end, and what it has for the epoch under way. */
export interface PeerParts {
  readonly ports: PeerPorts;
  readonly options: PeerOptions;
  readonly queue: EventQueue;
  readonly timers: Timers;
  readonly checks: CountedChecks;
  readonly content: ContentStore;
  readonly news: BlockNews;
  readonly ownWork: OwnWork;
  readonly record: OwnRecord;
  /** The version of the manifest in force. */
  readonly consortium: SignedManifest;
  readonly models: ModelStore;
  readonly planModels: PlanModels;
  /** Whether the peer has just started, and may be behind the others. */
  readonly isStart: boolean;
}

/** Whose keys this node has: those that the manifest in force names, or others. */
export interface OwnKeys {
  /** Whether it may vote. */
  readonly isVoter: boolean;
  /** Whether it may sign updates. */
  readonly isAuthor: boolean;
}

/** What the version in force says of this node's keys: it may be no member yet, or have others by now. */
export function ownKeys({
  options,
  consortium,
}: Pick<PeerParts, 'options' | 'consortium'>): OwnKeys {
  const { self, keys } = options;
  const line: Member | null = memberOf(consortium.manifest, self);
  const isOf = (key: Uint8Array, named: string | undefined): boolean => base64(key) === named;
  return {
    isVoter: isOf(keys.consensus.publicKey, line?.consensusKey),
    isAuthor: isOf(keys.log.publicKey, line?.logKey),
  };
}

/** What the pieces tell the peer that they are put together for. */
export interface PeerHooks {
  /** Runs a task in the peer's queue. */
  readonly post: (task: Task) => void;
  /** Something that consensus looks at has changed. */
  readonly askAgain: () => Promise<void> | undefined;
  /** A block was decided. */
  readonly onDecided: (decision: Decision) => void;
  /** The envelopes of a decided block have come. */
  readonly onEnvelopes: () => void;
  /** A decided block was applied to `before`. */
  readonly onApplied: (before: ChainState, body: BlockBody) => Promise<void>;
}

/** The pieces of a running peer. */
export interface PeerPieces {
  readonly outbox: Outbox;
  readonly checkpoints: Checkpoints;
  readonly catchUp: CatchUp;
  readonly housekeeper: Housekeeper;
  readonly round: CurrentRound;
  readonly chain: AppliedChain;
  readonly consensus: ConsensusDriver;
  readonly gate: MessageGate;
}

/** Makes the pieces, those first that others are given. @param held what the disk held */
export function assemble(parts: PeerParts, held: Recovered, hooks: PeerHooks): PeerPieces {
  const { ports, options, timers, checks, content, consortium } = parts;
  const { store, transport, clock, logger } = ports;
  const { settings, onEvent, keys } = options;
  const { log, evidence, state } = held;
  const { post, onDecided, onEnvelopes, onApplied } = hooks;
  const outbox = new Outbox(transport, logger);
  const round = currentRound(parts, held, hooks, outbox);
  const succeed = ports.succeed ?? verifySuccessor;
  const chain = new AppliedChain(state, {
    ...{ cid: consortium.cid, log, store, content, logger, succeed },
    ...{ envelopesHere: (body) => round.envelopesOf(body), onEnvelopes, onApplied },
    ...(ports.pure && { pure: ports.pure }),
  });
  const machine = new SimplexMachine(
    machineOptions(parts, held, chain, proposalsOf(parts, held, chain, round, outbox)),
  );
  const { epoch } = state;
  const consensusKey = keys.consensus.publicKey;
  const driven = { machine, epoch, ports, log, evidence, checks, outbox, timers, consensusKey };
  return {
    ...{ outbox, round, chain },
    checkpoints: new Checkpoints({
      ...{ log, transport, clock, logger },
      helpEveryMs: settings.tickMs,
      onFork: (member) => {
        onEvent({ kind: 'fork', member });
      },
    }),
    catchUp: new CatchUp(parts.isStart ? state.height : (0 as Height), (height) => {
      onEvent({ kind: 'caught-up', height });
    }),
    housekeeper: new Housekeeper({ store, content, settings, log, logger }),
    consensus: new ConsensusDriver({
      ...{ ...driven, post, onDecided },
      onRetired: () => {
        onEvent({ kind: 'retired' });
      },
    }),
    gate: new MessageGate({
      ...{ consortium, checks, ...(ports.pure && { pure: ports.pure }) },
      epoch: () => chain.state.epoch,
      height: () => machine.height,
      relayVerdict: (message) => machine.relayVerdict(message),
      round: () => round.protocol,
      checkCosignatures: (note) => log.checkCosignatures(note),
    }),
  };
}

function currentRound(
  parts: PeerParts,
  { evidence, log }: Recovered,
  { post, askAgain }: PeerHooks,
  outbox: Outbox,
): CurrentRound {
  const { ports, options, queue, checks, content, models, planModels, consortium } = parts;
  const { self, keys, settings, onEvent } = options;
  return new CurrentRound({
    ...{ plan: consortium.manifest.plan, planModels, models, content },
    ...{ self, consortium, keys, ports, settings, onEvent, verifyBytes: checks.verifyBytes },
    isStopped: () => queue.isStopped,
    record: parts.record,
    inTurn: (work) => parts.ownWork.inTurn(work),
    fateOfUpdate: (earlier) => fateOfUpdate(log, earlier, self),
    post: (task) => {
      post(() => {
        const work = task();
        return work === undefined ? askAgain() : work.then(askAgain);
      });
    },
    broadcast: (message) => {
      outbox.broadcast(message);
    },
    send: (to, message) => {
      outbox.send(to, message);
    },
    onTwoUpdates: (author: NodeId, ofRound, envelopes) => {
      post(() => evidence.keepUpdates(author, ofRound, envelopes));
    },
    onFalseSum: (reducer, ofRound, signed) => {
      onEvent({ kind: 'false-sum', member: reducer, round: ofRound });
      post(() => evidence.keepSums(reducer, ofRound, signed));
    },
  });
}

function proposalsOf(
  { ports, options, planModels, consortium }: PeerParts,
  { log, evidence, pending, state }: Recovered,
  chain: AppliedChain,
  round: CurrentRound,
  outbox: Outbox,
): Proposals {
  const { code, consensus, settings } = options;
  const rules: RuleContext = {
    plan: consortium.manifest.plan,
    code,
    epoch: epochContext(consortium, state.epoch, ports.crypto.verify),
    censorAfterMs: 2 * consensus.viewTimeoutMs,
  };
  return new Proposals({
    ...{ cid: consortium.cid, rules, log, clock: ports.clock },
    ...(ports.pure && { pure: ports.pure }),
    clockSkewMs: settings.clockSkewMs,
    state: () => chain.state,
    view: (): LocalView => ({
      round: round.view,
      initialDigest: (stage) => planModels.initialDigest(stage),
      evidence: () => evidence.pairs(),
      pending: () => pending.all(),
      successor: (change) => pending.successor(change),
    }),
    envelopesHere: (body) => round.envelopesOf(body),
    fits: (what, bytes, bytesMax) => outbox.fits(what, bytes, bytesMax),
  });
}

function machineOptions(
  parts: PeerParts,
  { state, evidence, isRetired }: Recovered,
  chain: AppliedChain,
  proposals: Proposals,
): SimplexOptions {
  const { ports, options, checks, consortium } = parts;
  const { self, keys, consensus, isHeldBack } = options;
  const pure = ports.pure ?? doNow;
  const mayVote = !isRetired && ownKeys(parts).isVoter;
  return {
    ...{ cid: consortium.cid, epoch: state.epoch, height: state.height + 1 },
    ...{ members: votersOf(consortium), self },
    signer: mayVote ? keys.consensus : null,
    ...(isHeldBack && { isHeldBack }),
    application: {
      prevBodyDigest: () => chain.state.prev,
      isDue: (at) => chain.isNext(at) && proposals.isDue(),
      propose: (at) => (chain.isNext(at) ? proposals.due() : null),
      judge: (at, body) => (chain.isNext(at) ? proposals.judge(body) : 'wait'),
      suspendedBy: (body) => suspendedBy(pure(decodeBlockBody, body)),
      endsEpoch: (body) => membershipOf(pure(decodeBlockBody, body)) !== null,
    },
    suspendedFrom: state.suspendedFrom,
    evidence: evidence.pairs(),
    settings: consensus,
    verify: checks.verify,
    random: ports.random.fork('consensus'),
    pure,
  };
}
