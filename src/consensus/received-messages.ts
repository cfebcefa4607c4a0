/** What other members say about the height under decision: checked, cheap questions first, before it counts. */
import { doNow, type NodeId } from '../base/index.ts';
import { digestOf } from '../crypto/index.ts';
import { isStatementBy, signedPart, type Certificate } from '../wire/index.ts';
import { bytesOf } from './bodies.ts';
import type { Convictions } from './convictions.ts';
import { evidenceOf } from './height-state.ts';
import type { MachineState } from './machine-state.ts';
import { chainDigest, type Proposal, type View, type Vote } from './messages.ts';
import type { OwnVotes } from './own-votes.ts';
import type { Voting } from './voting.ts';

/** See the file's header. Each method takes one kind of message. */
export class ReceivedMessages {
  readonly #state: MachineState;
  readonly #voting: Voting;
  readonly #convictions: Convictions;
  readonly #ownVotes: OwnVotes;

  constructor(state: MachineState, voting: Voting, convictions: Convictions, ownVotes: OwnVotes) {
    this.#state = state;
    this.#voting = voting;
    this.#convictions = convictions;
    this.#ownVotes = ownVotes;
  }

  /** NOTARIZE, NULLIFY or FINALIZE. @param isSigned whether its signature was found good already */
  onVote(from: NodeId, vote: Vote, isSigned: boolean): void {
    const { now, suspendedFrom, context, out } = this.#state;
    if (this.#state.isTooFar(vote.v) || now.hasVote(vote)) return;
    // A suspended member may not have learnt of it yet: its votes say nothing, and are no offence.
    if ((suspendedFrom.get(vote.i) ?? Infinity) <= vote.h) return;
    const isGood = isSigned || isStatementBy(vote, vote.i, vote.sig, context);
    if (isGood) this.#voting.count(vote);
    else out.refuse(from, `bad signature on ${vote.t}`);
  }

  /** R2, the checks before the application is asked. */
  onProposal(from: NodeId, proposal: Proposal): void {
    const { v, x, chain } = proposal;
    const { now, context, out } = this.#state;
    const first = now.proposalsSeen.get(v);
    const isDone = v < now.view || now.proposals.has(v);
    if (this.#state.isTooFar(v) || (isDone && first?.x === x)) return;
    const statement = signedPart(proposal);
    const { pure = doNow } = this.#state.options;
    const { body, isNamed } = pure(openedBody, proposal);
    const flaw = this.#flawOf(proposal, isNamed);
    if (flaw !== null) {
      out.refuse(from, flaw);
      return;
    }
    this.#ownVotes.mind(proposal);
    if (first === undefined) now.proposalsSeen.set(v, statement);
    const evidence = first === undefined ? null : evidenceOf(first, proposal);
    if (evidence !== null) this.#convictions.convict(evidence);
    if (isDone) return;
    if (!now.rules.isJustified(proposal, context)) {
      out.refuse(from, 'proposal without justification');
      this.#convictions.convict({ kind: 'bad_justification', a: statement, b: null, chain });
      return;
    }
    now.bodies.set(x, body);
    this.#voting.keepProposal(proposal);
    this.#voting.adopt(chain);
  }

  /** CERT, and the notarization of a VIEW that is behind. */
  onCertificate(from: NodeId, certificate: Certificate): void {
    const { kind, h } = certificate;
    const { height, out } = this.#state;
    if (h !== height || !this.#state.isNews(certificate)) return;
    if (this.#state.isSound(certificate)) this.#voting.admit(certificate, true);
    else out.refuse(from, `certificate without a quorum for ${kind}`);
  }

  /** VIEW: another member is in `v` and says why. */
  onView(from: NodeId, { v, chain }: View): void {
    const { now, view, out } = this.#state;
    if (v > view) {
      if (this.#state.isTooFar(v)) return;
      if (this.#state.isChainSound(chain, v)) this.#voting.adopt(chain);
      else out.refuse(from, 'view without justification');
    } else if (chain.nota?.kind === 'NOTARIZE' && chain.nota.v > now.parent) {
      // Votes to nullify count only beside the notarization that their signers knew.
      this.onCertificate(from, chain.nota);
    }
  }

  /** What is wrong with a proposal's turn, signature or digests; `null` when nothing is. */
  #flawOf(proposal: Proposal, isNamed: boolean): string | null {
    const { v, i, sig } = proposal;
    const { now, context } = this.#state;
    if (i !== now.leader(v)) return 'proposal out of turn';
    if (!isStatementBy(signedPart(proposal), i, sig, context)) return 'bad signature on PROPOSE';
    return isNamed ? null : 'proposal names another body or chain';
  }
}

/** A proposal's body, and whether it and the chain are those that the signed part names. */
function openedBody({ body: text, x, chain, j }: Proposal): {
  readonly body: Uint8Array;
  readonly isNamed: boolean;
} {
  const body = bytesOf(text);
  return { body, isNamed: digestOf(body) === x && chainDigest(chain) === j };
}
