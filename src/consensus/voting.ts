/** Signing own votes and proposals, and counting everybody's: what is counted can complete a certificate or convict. */
import { base64, invariant, type Digest } from '../base/index.ts';
import {
  certificatesOf,
  consensusDomain,
  signedPart,
  statementBytes,
  statementsOf,
  type Certificate,
  type Chain,
  type Statement,
} from '../wire/index.ts';
import type { Convictions } from './convictions.ts';
import type { MachineState } from './machine-state.ts';
import { chainDigest, type Proposal, type Vote } from './messages.ts';
import type { OwnVotes } from './own-votes.ts';
import type { SignedKind } from './safety-rules.ts';
import type { WalRecord } from './write-ahead-log.ts';

/** What a vote rests on: kept with it in the log, and sent along with a proposal. */
export interface VoteGrounds {
  /** PROPOSE, NOTARIZE. */
  readonly body?: Uint8Array;
  /** PROPOSE. */
  readonly chain?: Chain;
  /** FINALIZE: the notarization. */
  readonly cert?: Certificate;
  /** NULLIFY: the view behind which it gives up, and the notarization of that view. */
  readonly p?: number;
  readonly nota?: Certificate | null;
}

/** Votes of the height under decision. */
export class Voting {
  readonly #state: MachineState;
  readonly #convictions: Convictions;
  readonly #ownVotes: OwnVotes;

  constructor(state: MachineState, convictions: Convictions, ownVotes: OwnVotes) {
    this.#state = state;
    this.#convictions = convictions;
    this.#ownVotes = ownVotes;
  }

  /** The only place that signs. The record precedes the message among the effects. */
  sign(kind: SignedKind, view: number, x: Digest | undefined, grounds: VoteGrounds): void {
    const { rules } = this.#state.now;
    const { options, isVoter, self, out } = this.#state;
    const { signer } = options;
    const { chain, cert, p, nota } = grounds;
    const isAllowed = isVoter && rules.maySign(kind, view, p);
    invariant(signer !== null && isAllowed, `${kind} is allowed in view ${view}`);
    const statement: Statement = {
      ...{ ...this.#state.common(), t: kind, v: view },
      ...(x === undefined ? {} : { x }),
      ...(p === undefined ? {} : { p }),
      ...(chain === undefined ? {} : { p: chain.nota?.v ?? -1, j: chainDigest(chain) }),
    };
    const sig = base64(signer.sign(consensusDomain, statementBytes(statement)));
    const signed = { ...statement, i: self, sig };
    const body = grounds.body === undefined ? {} : { body: base64(grounds.body) };
    const proof = { ...(chain && { chain }), ...(cert && { cert }) };
    const kept = { ...signed, ...body, ...proof, ...(nota !== undefined && { nota }) };
    out.push({ kind: 'persist', record: kept as WalRecord });
    const message = (kind === 'PROPOSE' ? kept : signed) as Vote | Proposal;
    rules.note(message);
    out.broadcast(message);
    if (message.t === 'PROPOSE') this.keepProposal(message);
    else this.count(message);
  }

  /** Counts a checked vote and acts on what that reveals. */
  count(vote: Vote): void {
    this.#ownVotes.mind(vote);
    const { certificate, evidence } = this.#state.now.count(vote);
    if (evidence !== null) this.#convictions.convict(evidence);
    if (certificate !== null) this.#state.now.admit(certificate, true);
  }

  /** The votes inside a checked certificate count like any others: two certificates can convict. */
  admit(certificate: Certificate, announce: boolean): void {
    const { now, context } = this.#state;
    const statements = statementsOf(certificate, context);
    certificate.sigs.forEach(([i, sig], at) => {
      const statement = statements[at];
      invariant(statement !== undefined, 'each signature has its statement');
      const vote = { ...statement, i, sig } as Vote;
      this.#ownVotes.mind(vote);
      const { evidence } = now.count(vote);
      if (evidence !== null) this.#convictions.convict(evidence);
    });
    now.admit(certificate, announce);
  }

  /** Takes over a checked chain: its certificates lead to the view that it justifies. */
  adopt(chain: Chain): void {
    for (const certificate of certificatesOf(chain)) this.admit(certificate, false);
  }

  /** Keeps a checked proposal, whose body is here. */
  keepProposal(proposal: Proposal): void {
    const { now } = this.#state;
    now.proposals.set(proposal.v, proposal);
    now.proposalsSeen.set(proposal.v, signedPart(proposal));
    now.askToJudge = true;
  }
}
