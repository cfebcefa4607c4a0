/**
 * What a message is worth, decided before it waits in the peer's queue, cheap questions first: its form, whether it is
 * known or late, and the one signature that says whose it is. `reject` is for what no honest member sends, whatever it
 * knows; what may be news to one and old to another is at most ignored, since a relay is blamed for what we reject.
 * What carries no signature of its own (certificates, views, evidence) goes on only when the machine finds its proof sound.
 */
import { doNow, fromBase64, type NodeId, type PureWork } from '../base/index.ts';
import { AuditError, type CheckedNote } from '../audit/index.ts';
import {
  ConsensusError,
  decodeMessage,
  type CheckedMessage,
  type ConsensusMessage,
  type Proposal,
  type Vote,
} from '../consensus/index.ts';
import {
  consensusDomain,
  keyBytes,
  signedPart,
  statementBytes,
  type SignedManifest,
  type Topic,
  type Verdict,
} from '../wire/index.ts';
import type { CountedChecks } from './counted-checks.ts';
import { isCheckedInRound, readPeerMessage, type PeerMessage } from './peer-messages.ts';
import type { RoundProtocol } from './round-protocol.ts';

/** What the gate needs to know of its peer. */
export interface GatePorts {
  /** The version in force. */
  readonly consortium: SignedManifest;
  /** Checks signatures, and knows whose account they go to. */
  readonly checks: CountedChecks;
  /** `doNow` when absent. */
  readonly pure?: PureWork;
  /** Epoch of the membership. */
  readonly epoch: () => number;
  /** Height under decision. */
  readonly height: () => number;
  /** What the machine says of a message of consensus, but for the signatures of votes and proposals. */
  readonly relayVerdict: (message: ConsensusMessage) => Verdict;
  /** The round under way. */
  readonly round: () => Pick<RoundProtocol, 'open' | 'judgeMessage'> | null;
  readonly checkCosignatures: (note: Uint8Array) => CheckedNote | 'known' | 'behind';
}

/** What goes into the queue of a message that was let in. */
export type Admitted =
  | {
      readonly kind: 'consensus';
      readonly bytes: Uint8Array;
      readonly checked: CheckedMessage;
    }
  | { readonly kind: 'checkpoint'; readonly note: CheckedNote }
  | { readonly kind: 'peer'; readonly message: PeerMessage };

/** The verdict for the transport, and what the peer has to do; `null` when nothing. */
export interface Judged {
  readonly verdict: Verdict;
  readonly admitted: Admitted | null;
}

const ignored: Judged = { verdict: 'ignore', admitted: null };
const rejected: Judged = { verdict: 'reject', admitted: null };

/** A message that no honest member sends. */
class Refusal extends Error {}

/** See the file's header. */
export class MessageGate {
  readonly #ports: GatePorts;
  readonly #consensusKeys: readonly Uint8Array[];
  readonly #members: ReadonlySet<NodeId>;
  readonly #pure: PureWork;

  constructor(ports: GatePorts) {
    this.#ports = ports;
    this.#pure = ports.pure ?? doNow;
    const { members } = ports.consortium.manifest;
    this.#members = new Set(members.map(({ id }) => id));
    this.#consensusKeys = members.map(({ consensusKey }) => keyBytes(consensusKey));
  }

  /** Judges a message and puts what that cost to its sender's account. */
  judge(from: NodeId, topic: Topic, bytes: Uint8Array): Judged {
    try {
      return this.#ports.checks.charging(from, () => this.#judge(from, topic, bytes));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#ports.checks.refuse(from, error.message);
      return rejected;
    }
  }

  #judge(from: NodeId, topic: Topic, bytes: Uint8Array): Judged {
    switch (topic) {
      case 'consensus':
        return this.#judgeConsensus(from, bytes);
      case 'log':
        return this.#judgeCheckpoint(bytes);
      case 'updates':
      case 'status': {
        const message = this.#pure(readers[topic], bytes);
        if (message === null) throw new Refusal(`no message of topic ${topic}`);
        return { verdict: this.#verdictOf(message), admitted: { kind: 'peer', message } };
      }
    }
  }

  #judgeConsensus(from: NodeId, bytes: Uint8Array): Judged {
    const { consortium, epoch, height } = this.#ports;
    let message: ConsensusMessage;
    try {
      message = this.#pure(decodeMessage, bytes);
    } catch (error) {
      if (error instanceof ConsensusError) throw new Refusal(error.message);
      throw error;
    }
    if (message.cid !== consortium.cid) throw new Refusal('another consortium');
    const isOther = message.e !== epoch() || !this.#members.has(from);
    if (isOther) return this.#judgeStranger(message, bytes);
    if (isSigned(message)) {
      // Late: nobody answers it. Whoever needs the decision asks for it.
      if (message.h < height()) return ignored;
      this.#requireSignature(message);
    }
    const checked = { message, isSigned: isSigned(message) };
    const admitted = { kind: 'consensus', bytes, checked } as const;
    const verdict = this.#ports.relayVerdict(message);
    if (verdict === 'reject') throw new Refusal(`${message.t} that proves nothing`);
    return { verdict, admitted };
  }

  /**
   * Of another epoch, or of a member that is none in this one: it may be behind and ask, or be ahead and know. Nothing of it
   * is passed on, since nothing of it can be checked here but a decision, which proves itself.
   */
  #judgeStranger(message: ConsensusMessage, bytes: Uint8Array): Judged {
    const isQuestion = message.t === 'STATUS' || message.t === 'GETBODY';
    const isAhead = message.e > this.#ports.epoch();
    const isOfUse = isQuestion || isAhead || message.t === 'DECIDED';
    const checked = { message, isSigned: false };
    return isOfUse
      ? { verdict: 'ignore', admitted: { kind: 'consensus', bytes, checked } }
      : ignored;
  }

  #requireSignature(message: Vote | Proposal): void {
    const key = this.#consensusKeys[message.i];
    const { bytes, signature } = this.#pure(signedBytes, message);
    const isGood =
      key !== undefined &&
      signature !== null &&
      this.#ports.checks.verify(key, consensusDomain, bytes, signature);
    if (!isGood) throw new Refusal(`bad signature on ${message.t}`);
  }

  #judgeCheckpoint(bytes: Uint8Array): Judged {
    let note: CheckedNote | 'known' | 'behind';
    try {
      note = this.#ports.checkCosignatures(bytes);
    } catch (error) {
      if (error instanceof AuditError) throw new Refusal(error.message);
      throw error;
    }
    if (typeof note === 'string') return ignored;
    return { verdict: 'accept', admitted: { kind: 'checkpoint', note } };
  }

  /** A message of the round under way is its protocol's to judge; of other rounds nothing is known. */
  #verdictOf(message: PeerMessage): Verdict {
    if (message.t === 'status' || message.t === 'manifest') return 'accept';
    const round = this.#ports.round();
    if (round?.open.r !== message.r) return isCheckedInRound(message) ? 'ignore' : 'accept';
    const refusal = round.judgeMessage(message);
    if (refusal !== null) throw new Refusal(refusal);
    return 'accept';
  }
}

const readers = {
  updates: (bytes: Uint8Array): PeerMessage | null => readPeerMessage('updates', bytes),
  status: (bytes: Uint8Array): PeerMessage | null => readPeerMessage('status', bytes),
};

/** What a vote's or proposal's signature covers, and the signature; null where it is no base64. */
function signedBytes(message: Vote | Proposal): {
  readonly bytes: Uint8Array;
  readonly signature: Uint8Array | null;
} {
  return { bytes: statementBytes(signedPart(message)), signature: fromBase64(message.sig) };
}

function isSigned(message: ConsensusMessage): message is Vote | Proposal {
  return 'sig' in message;
}
