/** What the rules of blocks ask a node beside the chain: what it holds, has computed and has heard. */
import type { Digest, NodeId } from '../base/index.ts';
import type {
  CutUpdate,
  EvidencePair,
  Membership,
  PlanStage,
  Seal,
  SignedManifest,
} from '../wire/index.ts';
import type { PendingManifest } from './pending-manifests.ts';

/** `wait`: this node cannot tell yet. */
export type Judgement = 'accept' | 'reject' | 'wait';

/** What this node knows about the round under way, as its protocol sees it. */
export interface RoundView {
  /** Updates that this node holds open and a quorum claims to hold, ascending by peer. */
  certified(): readonly CutUpdate[];
  /** Whether a quorum claims to hold every one of `updates`. */
  areHeldTogether(updates: readonly CutUpdate[]): boolean;
  /** Checks one entry of a proposed cut: only an update that this node has opened is accepted. 'wait' while it may come. */
  judgeUpdate(update: CutUpdate): Judgement;
  /** For how long a quorum has claimed the peer's update, which this node holds, ms; null unless both are so. */
  certifiedForMs(peer: NodeId): number | null;
  /** Whether the participant was not heard of for so long that a cut may leave it out. */
  isSilent(peer: NodeId): boolean;
  /** This node's own average of the cut: its seal, and whether its own hold-out refuses it. */
  aggregate(): { readonly seal: Seal; readonly isRefused: boolean } | null;
  /** Checks a proposed seal against what this node has computed. 'wait' while it cannot tell, or its hold-out refuses it. */
  judgeSeal(seal: Seal): Judgement;
  /** What is left of the decided cut without those who keep the round from its end; null while there is nobody to leave out. */
  smallerCut(): readonly CutUpdate[] | null;
  /** Whether this node too has waited long enough for a member of the decided cut. */
  mayLeaveOut(peer: NodeId): boolean;
}

/** While no round is under way. */
export const noRound: RoundView = {
  certified: () => [],
  areHeldTogether: () => false,
  judgeUpdate: () => 'wait',
  certifiedForMs: () => null,
  isSilent: () => false,
  aggregate: () => null,
  judgeSeal: () => 'wait',
  smallerCut: () => null,
  mayLeaveOut: () => false,
};

/** What this node knows that is not in the chain. */
export interface LocalView {
  /** The round under way, or `noRound`. */
  readonly round: RoundView;
  /** Digest of a stage's initial model; null while it is being computed. */
  initialDigest(stage: PlanStage): Digest | null;
  /** What this node can convict members of, suspended ones too. */
  evidence(): readonly EvidencePair[];
  /** Next versions of the manifest that wait, in the order in which they are proposed. */
  pending(): readonly PendingManifest[];
  /** The version that a MEMBER names: 'wait' while it is not here, 'reject' when it does not follow the one in force. */
  successor(change: Membership): SignedManifest | 'wait' | 'reject';
}
