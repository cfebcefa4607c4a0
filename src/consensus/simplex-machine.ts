/**
 * Simplex/H (after Chan and Pass, "Simplex Consensus", TCC 2023): one run of Simplex per height, proposals
 * that carry their own justification. A pure state machine: events in, effects out. This file is its outline; the
 * rules R1 to R8 of docs/specs/consensus.md stand in files of their own, in this order:
 *
 * - `recovery`: the start from the write-ahead log. `own-votes`: R8, the question before the first vote.
 * - `received-messages`: what is checked before another's word counts. `voting`: signing and counting.
 * - `view-rules`: R1 to R5. `decisions`: R6 and answers to those behind. `catch-up`: R7, the own way forward. `bodies`.
 * - `convictions`: evidence. `machine-timers`: the two timers. `relay-verdict`: what is worth passing on.
 *
 * They share a `MachineState` and its `Outbox`. No rule calls another: each changes the state, and `#settle` runs
 * whatever the state now allows until nothing is left, so no rule can act on a height already decided.
 */
import type { NodeId } from '../base/index.ts';
import type { Verdict } from '../wire/index.ts';
import { Bodies } from './bodies.ts';
import { CatchUp } from './catch-up.ts';
import { Convictions } from './convictions.ts';
import { Decisions } from './decisions.ts';
import { ConsensusError } from './errors.ts';
import { MachineState } from './machine-state.ts';
import { MachineTimers } from './machine-timers.ts';
import { decodeMessage, type ConsensusMessage } from './messages.ts';
import { OwnVotes } from './own-votes.ts';
import type { CheckedMessage, ConsensusEvent, Effect, SimplexOptions } from './ports.ts';
import { ReceivedMessages } from './received-messages.ts';
import { recover } from './recovery.ts';
import { relayVerdict } from './relay-verdict.ts';
import { ViewRules } from './view-rules.ts';
import { Voting } from './voting.ts';
import type { WalRecord } from './write-ahead-log.ts';

/** One voter (or observer) of one epoch. */
export class SimplexMachine {
  readonly #state: MachineState;
  readonly #timers: MachineTimers;
  readonly #convictions: Convictions;
  readonly #ownVotes: OwnVotes;
  readonly #voting: Voting;
  readonly #bodies: Bodies;
  readonly #rules: ViewRules;
  readonly #decisions: Decisions;
  readonly #catchUp: CatchUp;
  readonly #received: ReceivedMessages;

  /** @throws {ConsensusError} 'bad_setting' */
  constructor(options: SimplexOptions) {
    const state = new MachineState(options);
    this.#state = state;
    this.#timers = new MachineTimers(state);
    this.#convictions = new Convictions(state);
    this.#ownVotes = new OwnVotes(state);
    this.#voting = new Voting(state, this.#convictions, this.#ownVotes);
    this.#bodies = new Bodies(state);
    this.#rules = new ViewRules(state, this.#voting, this.#bodies, this.#timers);
    this.#decisions = new Decisions(state, this.#bodies, this.#convictions);
    this.#catchUp = new CatchUp(state, this.#voting);
    this.#received = new ReceivedMessages(state, this.#voting, this.#convictions, this.#ownVotes);
  }

  /** The height being decided. */
  get height(): number {
    return this.#state.height;
  }

  /** The view of that height. */
  get view(): number {
    return this.#state.view;
  }

  /** Whether this node signs votes. */
  get isVoter(): boolean {
    return this.#state.isVoter;
  }

  /**
   * Call once, first, with ALL records of this height and later ones (`recoverWal`).
   * @throws {ConsensusError} 'foreign_record' when a record is not of this epoch and key, or one is missing
   */
  start(recovered: readonly WalRecord[]): Effect[] {
    this.#state.out.begin();
    recover(recovered, this.#state, this.#voting, () => this.#decide());
    this.#ownVotes.begin();
    this.#resend();
    this.#settle();
    return this.#finish();
  }

  /** Tells the machine what happened; what to do comes back in order. Never throws on bad bytes. */
  step(event: ConsensusEvent): Effect[] {
    this.#state.out.begin();
    switch (event.kind) {
      case 'message':
        this.#onBytes(event.from, event.bytes, event.checked);
        break;
      case 'timer':
        this.#onTimer(event.id);
        break;
      case 'appChanged':
        this.#state.now.askToPropose = true;
        this.#state.now.askToJudge = true;
        this.#timers.applicationChanged();
        break;
      case 'decided':
        if (event.height === this.height) this.#catchUp.onDecision(event.body, event.certificate);
        break;
      case 'foundDecision':
        this.#decisions.onFound(event, event);
        break;
    }
    this.#settle();
    this.#catchUp.goOn();
    return this.#finish();
  }

  /**
   * Whether a decoded message is worth passing on: 'reject' for what no honest member sends, 'ignore' for what is old or
   * cannot be checked yet. The signatures of votes and proposals are the caller's to check. Changes nothing.
   */
  relayVerdict(message: ConsensusMessage): Verdict {
    return relayVerdict(message, this.#state, this.#convictions);
  }

  /** Runs rules to completion. Each looks at the state afresh, so a decision in between is harmless. */
  #settle(): void {
    const rules = this.#rules;
    for (;;) {
      const fresh = this.#state.now.fresh.shift();
      if (fresh !== undefined) rules.onCertificate(fresh.certificate, fresh.announce);
      else if (!this.#decide() && !this.#beginVoting() && !rules.advance()) {
        if (!rules.amplify() && !rules.propose() && !rules.notarize()) return;
      }
    }
  }

  /** R6. */
  #decide(): boolean {
    if (!this.#decisions.decide()) return false;
    this.#timers.heightBegan();
    this.#catchUp.forgetAsked();
    for (const [from, messages] of this.#catchUp.takeKept()) {
      for (const bytes of messages) this.#onBytes(from, bytes);
    }
    return true;
  }

  /** R8. */
  #beginVoting(): boolean {
    if (!this.#ownVotes.mayBegin()) return false;
    this.#timers.votingBegan();
    return true;
  }

  #onTimer(id: string): void {
    const due = this.#timers.fired(id);
    if (due === 'resend') this.#resend();
    else if (due === 'view') this.#rules.nullify(); // R4
    // After 'again' the leader may propose, as any step lets it.
  }

  /** R7: says again whatever others may have missed. */
  #resend(): void {
    const { now, view, out } = this.#state;
    out.forgetReplies();
    this.#catchUp.forgetAsked();
    this.#ownVotes.askAgain();
    const own = now.rules.all();
    const givenUp = Math.max(...own.map(({ t, v }) => (t === 'NULLIFY' ? v : -1)));
    for (const message of own) {
      // The last NULLIFY says all that earlier ones said; after a restart its view may be ahead of this one.
      const isLast = message.t === 'NULLIFY' && message.v === givenUp;
      if (message.t === 'FINALIZE' || message.v === view || isLast) out.broadcast(message);
    }
    this.#convictions.tellAgain();
    if (view > 0) out.broadcast(this.#state.viewMessage());
    out.broadcast({ ...this.#state.common(), t: 'STATUS', v: view });
    this.#bodies.askAgain();
  }

  #finish(): Effect[] {
    this.#timers.settle();
    return this.#state.out.effects;
  }

  #onBytes(from: NodeId, bytes: Uint8Array, checked: CheckedMessage | null = null): void {
    const { options, out } = this.#state;
    const sender = this.#state.indexOf(from);
    if (sender >= 0) this.#timers.heard(sender);
    let message: ConsensusMessage;
    try {
      message = checked?.message ?? decodeMessage(bytes);
    } catch (error) {
      if (!(error instanceof ConsensusError)) throw error;
      out.refuse(from, error.message);
      return;
    }
    if (message.cid !== options.cid) {
      out.refuse(from, 'another consortium');
    } else if (message.e > options.epoch) {
      this.#catchUp.onLaterEpoch(from);
    } else if (message.e < options.epoch) {
      this.#decisions.onBehind(from, message);
    } else if (sender < 0 && !isForAnybody(message)) {
      out.refuse(from, 'not a member of this epoch');
    } else if (message.t === 'EVIDENCE' || message.t === 'RECALL' || message.t === 'RECALLED') {
      this.#onMessage(from, message); // of any height
    } else if (message.h < this.height) {
      this.#decisions.onBehind(from, message);
    } else if (message.h > this.height) {
      this.#catchUp.onAhead(from, message, bytes);
    } else {
      this.#onMessage(from, message, checked?.isSigned === true);
    }
  }

  #onMessage(from: NodeId, message: ConsensusMessage, isSigned = false): void {
    switch (message.t) {
      case 'PROPOSE':
        this.#received.onProposal(from, message);
        break;
      case 'NOTARIZE':
      case 'NULLIFY':
      case 'FINALIZE':
        this.#received.onVote(from, message, isSigned);
        break;
      case 'CERT':
        this.#received.onCertificate(from, message.cert);
        break;
      case 'VIEW':
        this.#received.onView(from, message);
        break;
      case 'STATUS':
        if (message.v < this.view) this.#state.out.reply(from, this.#state.viewMessage());
        break;
      case 'GETBODY':
        this.#bodies.onGetBody(from, message.x);
        break;
      case 'BODY':
        this.#bodies.onBody(message.body);
        break;
      case 'DECIDED':
        this.#catchUp.onDecided(from, message);
        break;
      case 'EVIDENCE':
        this.#convictions.onEvidence(from, message.pair);
        break;
      case 'RECALL':
        this.#ownVotes.onRecall(from, message);
        break;
      case 'RECALLED':
        this.#ownVotes.onRecalled(from, message);
        break;
    }
  }
}

/** What a member of another epoch may say in this one: a question of who is behind, and a decision, which proves itself. */
function isForAnybody({ t }: ConsensusMessage): boolean {
  return t === 'STATUS' || t === 'GETBODY' || t === 'DECIDED';
}
