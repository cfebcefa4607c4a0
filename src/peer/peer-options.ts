/** Who a peer is and whom it tells. */
import type { Digest, NodeId } from '../base/index.ts';
import type { ConsensusSettings } from '../consensus/index.ts';
import type { SignedManifest } from '../wire/index.ts';
import type { PeerEvent } from './events.ts';
import type { PeerKeys } from './ports.ts';
import type { PeerSettings } from './settings.ts';

/** See the file's header. */
export interface PeerOptions {
  readonly self: NodeId;
  /** The genesis. */
  readonly consortium: SignedManifest;
  /**
   * Later versions that this node knows from elsewhere, oldest first: a newcomer is in none that its log has yet. What is
   * decided by the log is what counts.
   */
  readonly knownVersions?: readonly SignedManifest[];
  readonly keys: PeerKeys;
  /** Digest of the program that trains; a round of another program is not joined. */
  readonly code: Digest;
  readonly consensus: ConsensusSettings;
  readonly settings: PeerSettings;
  readonly onEvent: (event: PeerEvent) => void;
  /**
   * A later version than the genesis is in force here: at the start, and whenever the members change. The transport was told
   * already.
   */
  readonly onMembers?: (inForce: SignedManifest) => void;
  /** Whether `start` tells again all that the log holds, for a watcher who remembers nothing. */
  readonly tellsHistory: boolean;
  /** Whether this node must not vote before a person has confirmed that it may: its home is a copy. Never, when absent. */
  readonly isHeldBack?: () => boolean;
  /** Called once if the peer must stop: a broken promise, a key used elsewhere, a disk that fails. */
  readonly onFailure: (error: unknown) => void;
}
