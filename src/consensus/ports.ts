/** What the machine is told, what it asks to be done, and what it asks the application. */
import type { Digest, NodeId, PureWork, Random } from '../base/index.ts';
import type { VerifySignature } from '../crypto/index.ts';
import type { Certificate, EvidencePair } from '../wire/index.ts';
import type { ConsensusMessage } from './messages.ts';
import type { SafetyRules } from './safety-rules.ts';
import type { ConsensusSettings } from './settings.ts';
import type { WalRecord } from './write-ahead-log.ts';

/** A decided body with the FINALIZE certificate that proves it. */
export interface Decision {
  readonly body: Uint8Array;
  readonly certificate: Certificate;
}

/** An old decision that a message is about; no longer in the machine's memory. */
export interface DecisionQuery {
  readonly height: number;
  /** Who sent the message. */
  readonly from: NodeId;
  /** The sender's own certificate, to be compared with ours; null when it asks for our decision. */
  readonly theirs: Certificate | null;
}

/** A message that was looked at before it waited: by the same keys as the machine's. */
export interface CheckedMessage {
  readonly message: ConsensusMessage;
  /** Whether it is a vote or proposal and its own signature is good. */
  readonly isSigned: boolean;
}

/** Something that happened. */
export type ConsensusEvent =
  /** Bytes of the consensus topic. `from` is authenticated by the transport. */
  | {
      readonly kind: 'message';
      readonly from: NodeId;
      readonly bytes: Uint8Array;
      /** What is known of them already. */
      readonly checked?: CheckedMessage;
    }
  /** A timer set by an effect ran out. */
  | { readonly kind: 'timer'; readonly id: string }
  /** The application may now judge or propose differently, or has applied a decision. */
  | { readonly kind: 'appChanged' }
  /** A decision learnt elsewhere (catch-up from a log). Checked like any other. */
  | ({ readonly kind: 'decided'; readonly height: number } & Decision)
  /** What a `findDecision` asked for, found, and its epoch. Not sent when this node does not have it. */
  | ({ readonly kind: 'foundDecision'; readonly epoch: number } & DecisionQuery & Decision);

/** Something to do. Carry effects out strictly in order, over all steps: one queue. */
export type Effect =
  /** Must be durable before any later effect is carried out. */
  | { readonly kind: 'persist'; readonly record: WalRecord }
  | { readonly kind: 'broadcast'; readonly bytes: Uint8Array }
  | { readonly kind: 'send'; readonly to: NodeId; readonly bytes: Uint8Array }
  /** Replaces a running timer of the same id. */
  | { readonly kind: 'setTimer'; readonly id: string; readonly delayMs: number }
  | { readonly kind: 'clearTimer'; readonly id: string }
  /** Exactly once per height and run; again after a restart if the height was not applied. */
  | ({ readonly kind: 'decide'; readonly height: number } & Decision)
  /** Look this decision up, beside the queue, and answer with a `foundDecision` event if it is there. */
  | ({ readonly kind: 'findDecision' } & DecisionQuery)
  /** Member `culprit` provably broke the rules. Once per member and run. */
  | { readonly kind: 'evidence'; readonly culprit: NodeId; readonly pair: EvidencePair }
  /** A message that no honest member sends: count it against `from`. */
  | { readonly kind: 'refused'; readonly from: NodeId; readonly reason: string }
  /** Larger than its kind may be: not sent, or not proposed. A fault of this program; everything else goes on. */
  | { readonly kind: 'oversized'; readonly what: string; readonly sizeBytes: number }
  /**
   * This node's key signs elsewhere, or its disk went back in time: it signs no more, and goes on as an observer. Record
   * it, and start without a signer until the member has a new key.
   */
  | { readonly kind: 'retire'; readonly reason: string }
  /** Two blocks are decided at one height: nothing decided from here on means anything. Stop the peer. */
  | { readonly kind: 'halt'; readonly reason: string };

/** `wait`: keep the proposal and ask again after `appChanged`; the view's timer goes on. */
export type Judgement = 'accept' | 'reject' | 'wait';

/**
 * The application, asked synchronously. The machine moves to height h+1 when it decides h, before the
 * application has applied h: for a height not yet reached answer `false`, `null` and `'wait'`, and send
 * `appChanged` once the decision is applied.
 */
export interface ConsensusApplication {
  /** SHA-256 of the body decided at `height - 1`. Asked once, at the start. */
  prevBodyDigest(height: number): Digest;
  /** Whether something ought to be decided now: views have timers only then. Asked again after `appChanged`. */
  isDue(height: number): boolean;
  /** A body to propose, at most 60 KiB (a larger one is not proposed), or `null` when there is nothing to propose now. */
  propose(height: number, view: number): Uint8Array | null;
  /** Validity and local acceptance of a body proposed by another or by this node itself. */
  judge(height: number, body: Uint8Array): Judgement;
  /** Indices of the members whose keys a decided body suspends from the next height on. */
  suspendedBy(body: Uint8Array): readonly number[];
  /** Whether the members change with the next height: this machine signs nothing there, and another one is made. */
  endsEpoch(body: Uint8Array): boolean;
}

/** Signs under a domain; `crypto`'s `Signer` is one. */
export interface ConsensusSigner {
  sign(domain: string, message: Uint8Array): Uint8Array;
}

/** A voter of the epoch. */
export interface ConsensusMember {
  readonly id: NodeId;
  /** 32 bytes, Ed25519, already checked. */
  readonly publicKey: Uint8Array;
}

/** Everything a machine is made of. */
export interface SimplexOptions {
  readonly cid: Digest;
  readonly epoch: number;
  /** The first height that the application has not applied; 1 at the beginning. */
  readonly height: number;
  /** In the manifest's order: certificates count by it. */
  readonly members: readonly ConsensusMember[];
  readonly self: NodeId;
  /** By index, the first height at which a member has no vote: what the heights below `height` decided. */
  readonly suspendedFrom?: ReadonlyMap<number, number>;
  /** Evidence from an earlier run: told again until its culprit is suspended. */
  readonly evidence?: readonly EvidencePair[];
  /** `null` makes an observer, which follows and answers but never votes. */
  readonly signer: ConsensusSigner | null;
  readonly application: ConsensusApplication;
  /** Whether the first vote of this run has to wait for a person; never, when absent. Asked until it says no. */
  readonly isHeldBack?: () => boolean;
  readonly settings: ConsensusSettings;
  /** Spreads retransmissions; no safety hangs on it. */
  readonly random: Random;
  /** Asked often for the same signatures: one that remembers them. Ed25519, remembered, when absent. */
  readonly verify?: VerifySignature;
  /** `doNow` when absent. */
  readonly pure?: PureWork;
  /** Fresh rules for each height. For tests that break them on purpose. */
  readonly makeRules?: () => SafetyRules;
}
