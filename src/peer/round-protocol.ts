/**
 * How one round is carried out on one node: the port between a peer, who agrees on blocks, and a protocol, which knows how
 * updates travel and how they are averaged. A peer begins one for each OPEN and drops it when the round is over.
 */
import type { Digest, NodeId } from '../base/index.ts';
import type { VerifyBytes } from '../crypto/index.ts';
import type { ContentStore, UpdateFacts } from '../gossip/index.ts';
import type { Cut, Open, PlanStage, SignedManifest, SignedSums } from '../wire/index.ts';
import type { RoundView } from './local-view.ts';
import type { PeerEvent } from './events.ts';
import type { ModelStore } from './model-store.ts';
import type { OwnRecord } from './own-record.ts';
import type { RoundMessage } from './peer-messages.ts';
import type { PeerKeys, PeerPorts } from './ports.ts';
import type { UpdateFate } from './rounds/taken-in.ts';
import type { PeerSettings } from './settings.ts';

/** What a protocol is given of its peer. */
export interface RoundContext {
  readonly open: Open;
  readonly stage: PlanStage;
  /** Rounds of the stage that were sealed before this one. */
  readonly roundsSealed: number;
  /** The model that the round's base came from; null in a stage's first round. */
  readonly before: Digest | null;
  readonly self: NodeId;
  readonly consortium: SignedManifest;
  readonly keys: Pick<PeerKeys, 'log' | 'sealPrivate'>;
  readonly ports: PeerPorts;
  readonly content: ContentStore;
  readonly models: ModelStore;
  /** What this node writes down of itself. */
  readonly record: Pick<OwnRecord, 'note' | 'flush'>;
  readonly settings: Pick<PeerSettings, 'silenceMs' | 'holdsDelayMs' | 'lossFactorMax'>;
  /** Checks a signature over bytes, and puts that to the account of the member whose message is looked at. */
  readonly verifyBytes: VerifyBytes;
  /** Names in the store of the sealed models of the stages before, by stage. */
  readonly teachers: () => Promise<ReadonlyMap<string, string>>;
  readonly onEvent: (event: PeerEvent) => void;
  /** Runs a task in the peer's queue while this round is still the current one; consensus is asked again after it. */
  readonly post: (task: () => Promise<void> | void) => void;
  /** Whether this round is still the current one of a running peer. */
  readonly isCurrent: () => boolean;
  /** Does this node's own work of rounds one after the other: a machine trains one model at a time. */
  readonly inTurn: <T>(work: () => Promise<T>) => Promise<T>;
  /** What became of this node's update in an earlier round. */
  readonly fateOfUpdate: (round: number) => Promise<UpdateFate>;
  /** Whether the peer has stopped: nothing may be left on its disk any more. */
  readonly isStopped: () => boolean;
  readonly broadcast: (message: RoundMessage) => void;
  readonly send: (to: NodeId, message: RoundMessage) => void;
  /** Keeps different envelopes that an author signed for one round. */
  readonly onTwoUpdates: (author: NodeId, round: number, envelopes: readonly Uint8Array[]) => void;
  /** Keeps what a member signed of the sums of a round: one false sum, or two different ones. */
  readonly onFalseSum: (reducer: NodeId, round: number, signed: readonly SignedSums[]) => void;
}

/** One round under way. All methods return at once; long work runs beside the peer's queue and comes back by `post`. */
export interface RoundProtocol extends RoundView {
  readonly open: Open;
  /** Begins this node's own training, if it takes part. Safe to call again: it trains once. */
  train(): void;
  /** Begins to average what the decided cut names, as soon as all of it is here. Safe to call again. */
  average(cut: Cut): void;
  /** Checks a message of this round before it waits in the queue: why no honest member sends it, or null when one may. */
  judgeMessage(message: RoundMessage): string | null;
  /** A message of this round, in its turn. */
  take(from: NodeId, message: RoundMessage): void;
  /** The member was heard of, on whatever topic of the peer. @param nowMs ms since 1970 */
  heard(from: NodeId, nowMs: number): void;
  /** The participant has no update for this round: nobody need wait for it. */
  abstained(from: NodeId): void;
  /** Whether this node has no update for this round, because its training failed. */
  readonly isAbstaining: boolean;
  /** Says again what may have been lost, and tries again what could not be done. Called every tick. */
  repeat(): void;
  /** An update's envelope by digest; null when it is not here. */
  envelope(env: Digest): Uint8Array | null;
  /** What that envelope says; null when it is not here. */
  facts(env: Digest): UpdateFacts | null;
}
