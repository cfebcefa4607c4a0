/**
 * Simplex/H (after Chan and Pass, "Simplex Consensus", TCC 2023): one run of Simplex per height, proposals
 * that carry their own justification. A pure state machine: events in, effects out, read top to bottom as
 * rules R1 to R7 of docs/specs/consensus.md. No rule calls another: each changes the state, and `#settle`
 * runs whatever the state now allows until nothing is left, so no rule can act on a height already decided.
 * In one file because a rule can only be judged beside the others: the state machine is read whole.
 */
import { base64, fromBase64, invariant, type Digest, type NodeId } from '../base/index.ts';
import { digestOf, verifySignature } from '../crypto/index.ts';
import {
  certificatesOf,
  consensusDomain,
  evidenceBetween,
  faultCountMax,
  hasVoteAt,
  isStatementBy,
  signedPart,
  statementBytes,
  statementsOf,
  verifyCertificate,
  verifyChain,
  verifyEvidence,
  voterCount,
  type Certificate,
  type Chain,
  type EpochContext,
  type EvidencePair,
  type Statement,
  type VoteKind,
  limits,
} from '../wire/index.ts';
import { ConsensusError } from './errors.ts';
import { evidenceOf, HeightState } from './height-state.ts';
import { leaderOrder } from './leader-order.ts';
import { MemoryCheck } from './memory-check.ts';
import {
  chainDigest,
  decodeMessage,
  encodeMessage,
  type ConsensusMessage,
  type Decided,
  type Proposal,
  type Recall,
  type Recalled,
  type View,
  type Vote,
} from './messages.ts';
import type { ConsensusEvent, Decision, DecisionQuery, Effect, SimplexOptions } from './ports.ts';
import { SafetyRules } from './safety-rules.ts';
import { validateConsensusSettings, viewTimeoutMs } from './settings.ts';
import { rememberingVerify } from './verified-signatures.ts';
import type { WalRecord } from './write-ahead-log.ts';

/** Messages of the next height kept per peer while this one is being decided. */
const aheadCountMax = 8;
const aheadBytesMax = 128 * 1024;
const resendTimer = 'resend';

/** One voter (or observer) of one epoch. */
export class SimplexMachine {
  readonly #options: SimplexOptions;
  readonly #context: EpochContext;
  readonly #indexOf: ReadonlyMap<NodeId, number>;
  readonly #self: number;
  /** By index, the first height without a vote: grows with what is decided. */
  readonly #suspendedFrom: Map<number, number>;
  /** What convicted whom. */
  readonly #evidence = new Map<number, EvidencePair>();
  readonly #decisions = new Map<number, Decision>();
  readonly #replies = new Map<NodeId, number>();
  readonly #asked = new Set<NodeId>();
  readonly #ahead = new Map<NodeId, Uint8Array[]>();
  #now: HeightState;
  /** The height decided last: members that start again are shown their votes of it too. */
  #before: HeightState | null = null;
  #helper: NodeId | null = null;
  /** Asks the others what they hold of this node's votes; null once it may vote. */
  #check: MemoryCheck | null = null;
  #isRetired = false;
  #isHalted = false;
  #isDue = false;
  #askIsDue = true;
  #recovering = false;
  #viewTimer: string | null = null;
  #viewTimerFired = false;
  #resendDelayMs: number;
  #resendDue = true;
  #effects: Effect[] = [];

  /** @throws {ConsensusError} 'bad_setting' */
  constructor(options: SimplexOptions) {
    const { members, settings, application, height } = options;
    validateConsensusSettings(settings);
    this.#options = options;
    this.#indexOf = new Map(members.map((member, index) => [member.id, index]));
    if (members.length === 0 || this.#indexOf.size !== members.length) {
      const message = 'consensus members: expected one or more, each once';
      throw new ConsensusError({ code: 'bad_setting', key: 'members' }, message);
    }
    this.#self = this.#indexOf.get(options.self) ?? -1;
    this.#suspendedFrom = new Map(options.suspendedFrom);
    for (const pair of options.evidence ?? []) this.#evidence.set(pair.a.i, pair);
    this.#context = {
      cid: options.cid,
      epoch: options.epoch,
      members,
      suspendedFrom: this.#suspendedFrom,
      verify: rememberingVerify(options.verify ?? verifySignature),
    };
    this.#resendDelayMs = settings.resendMs;
    this.#now = this.#begin(height, application.prevBodyDigest(height));
  }

  /** The height being decided. */
  get height(): number {
    return this.#now.height;
  }

  /** The view of that height. */
  get view(): number {
    return this.#now.view;
  }

  /** Whether this node signs votes. */
  get isVoter(): boolean {
    const hasKey = this.#options.signer !== null && !this.#isRetired && !this.#isHalted;
    return hasKey && this.#check === null && hasVoteAt(this.#context, this.#self, this.height);
  }

  /**
   * Call once, first, with ALL records of this height and later ones (`recoverWal`).
   * @throws {ConsensusError} 'foreign_record' when a record is not of this epoch and key, or one is missing
   */
  start(recovered: readonly WalRecord[]): Effect[] {
    this.#effects = [];
    this.#recover(recovered);
    const { signer, random } = this.#options;
    if (signer !== null) {
      this.#check = new MemoryCheck(random.integer(2 ** 31 - 1), this.#now);
    }
    this.#resend();
    this.#settle();
    return this.#flush();
  }

  /** Tells the machine what happened; what to do comes back in order. Never throws on bad bytes. */
  step(event: ConsensusEvent): Effect[] {
    this.#effects = [];
    switch (event.kind) {
      case 'message':
        this.#onBytes(event.from, event.bytes);
        break;
      case 'timer':
        this.#onTimer(event.id);
        break;
      case 'appChanged':
        this.#now.askToPropose = true;
        this.#now.askToJudge = true;
        this.#askIsDue = true;
        break;
      case 'decided':
        if (event.height === this.height) this.#onDecision(event.body, event.certificate);
        break;
      case 'foundDecision':
        this.#onFoundDecision(event, event);
        break;
    }
    this.#settle();
    if (this.#helper !== null) {
      // Whoever could tell this height can tell the next one too.
      this.#send(this.#helper, { ...this.#common(), t: 'STATUS', v: this.view });
      this.#helper = null;
    }
    return this.#flush();
  }

  // ---------------------------------------------------------------------------------------- the rules

  /** Runs rules to completion. Each looks at the state afresh, so a decision in between is harmless. */
  #settle(): void {
    for (;;) {
      const fresh = this.#now.fresh.shift();
      if (fresh !== undefined) this.#onCertificate(fresh.certificate, fresh.announce);
      else if (!this.#decide() && !this.#beginVoting() && !this.#advance()) {
        if (!this.#amplify() && !this.#propose() && !this.#notarize()) return;
      }
    }
  }

  /** R1, first half: enter(v, chain). */
  #enter(view: number, chain: Chain): void {
    const now = this.#now;
    invariant(view > now.view, 'views only grow');
    now.take(view, chain);
    now.askToPropose = true;
    now.askToJudge = true;
    for (const old of now.proposals.keys()) if (old < view) now.proposals.delete(old);
    this.#viewTimerFired = false;
    this.#hurry();
    // After a restart own votes of this view may lie in the log while nobody heard them.
    for (const kind of ['PROPOSE', 'NOTARIZE', 'NULLIFY'] as const) {
      const own = now.rules.own(kind, view);
      if (own !== null) this.#broadcast(own);
    }
  }

  /** R1, second half: the leader proposes, again what was notarized or else what the application offers. */
  #propose(): boolean {
    const { view, chain, rules, height } = this.#now;
    if (!this.isVoter || this.#now.leader(view) !== this.#self) return false;
    if (!rules.maySign('PROPOSE', view)) return false;
    const forced = rules.forced(chain);
    let body: Uint8Array | null;
    if (forced !== null) {
      body = this.#now.bodies.get(forced) ?? null;
      if (body === null && chain.nota !== null) this.#want(forced, chain.nota);
    } else {
      if (!this.#now.askToPropose) return false;
      this.#now.askToPropose = false;
      body = this.#options.application.propose(height, view);
    }
    if (body === null) return false;
    if (body.byteLength > limits.bodyBytesMax) {
      this.#effects.push({ kind: 'oversized', what: 'body', sizeBytes: body.byteLength });
      return false;
    }
    const x = digestOf(body);
    this.#now.bodies.set(x, body);
    this.#vote('PROPOSE', view, x, { body, chain });
    return true;
  }

  /** R2: notarize the leader's proposal if the application accepts it. Allowed after an own NULLIFY. */
  #notarize(): boolean {
    const { view, rules, height, rejectedView } = this.#now;
    const proposal = this.#now.proposals.get(view);
    if (proposal === undefined || !this.isVoter || rejectedView === view) return false;
    if (!rules.maySign('NOTARIZE', view)) return false;
    const body = this.#now.bodies.get(proposal.x);
    invariant(body !== undefined, 'a kept proposal has its body');
    // A value once notarized was judged by an honest member: only its proof counts from then on.
    if (proposal.chain.nota === null) {
      if (!this.#now.askToJudge) return false;
      this.#now.askToJudge = false;
      const judgement = this.#options.application.judge(height, body);
      if (judgement === 'wait') return false;
      if (judgement === 'reject') {
        this.#now.rejectedView = view;
        return this.#nullify(); // R4
      }
    }
    this.#vote('NOTARIZE', view, proposal.x, { body });
    return true;
  }

  /** R3 on a notarization, R5 on a nullification, R6 on a finalization. */
  #onCertificate(certificate: Certificate, announce: boolean): void {
    const now = this.#now;
    const { kind, v, x } = certificate;
    if (kind === 'FINALIZE') {
      now.final ??= certificate;
      return;
    }
    if (announce) this.#broadcast({ ...this.#common(), t: 'CERT', cert: certificate });
    invariant(x !== undefined, 'a notarization names a value');
    if (this.isVoter && now.rules.maySign('FINALIZE', v)) {
      this.#vote('FINALIZE', v, x, { cert: certificate });
    }
    if (v >= now.view) this.#enter(v + 1, { nota: certificate, nulli: null });
    else if (v > now.parent) {
      // The nullification behind this view covers more than it need now, and nothing at all right after `v`.
      now.take(now.view, { nota: certificate, nulli: v === now.view - 1 ? null : now.chain.nulli });
      this.#hurry();
    }
  }

  /** R5: on a nullification of this view or a later one, enters the view after it, whatever lies between. */
  #advance(): boolean {
    const found = this.#now.nullification();
    if (found === null) return false;
    const { certificate, announce } = found;
    if (announce) this.#broadcast({ ...this.#common(), t: 'CERT', cert: certificate });
    this.#enter(certificate.v + 1, { nota: this.#now.chain.nota, nulli: certificate });
    return true;
  }

  /** R4: f+1 others gave up this view, so an honest one did; its reason may not reach us. */
  #amplify(): boolean {
    const { view } = this.#now;
    const others = this.#now.nullifiersBeside(this.#self, view);
    return others > this.#faultMax && this.#nullify();
  }

  /** R4: gives up all views after the highest notarization, to the current one. */
  #nullify(): boolean {
    const { view, rules, chain } = this.#now;
    const p = rules.givesUpAfter({ view, chain });
    if (!this.isVoter || !rules.maySign('NULLIFY', view, p)) return false;
    this.#vote('NULLIFY', view, undefined, { p, nota: p < 0 ? null : chain.nota });
    return true;
  }

  /** The first vote of this run waits for what the others hold of earlier ones. */
  #beginVoting(): boolean {
    const { order, quorum, height } = this.#now;
    if (this.#check === null) return false;
    const others = order.filter((index) => index !== this.#self);
    const isPassed = this.#check.isPassed(height, others, { faultMax: this.#faultMax, quorum });
    if (!isPassed) return false;
    this.#check = null;
    this.#viewTimerFired = false;
    this.#now.reconsider();
    return true;
  }

  /** R6: a finalized value with its body is decided. */
  #decide(): boolean {
    const { final, bodies, height } = this.#now;
    if (final?.x === undefined) return false;
    const body = bodies.get(final.x);
    if (body === undefined) {
      this.#want(final.x, final);
      return false;
    }
    if (!this.#recovering) {
      const { cid, epoch } = this.#options;
      const record = {
        t: 'DEC',
        cid,
        e: epoch,
        h: height,
        body: base64(body),
        cert: final,
      } as const;
      this.#effects.push({ kind: 'persist', record });
    }
    this.#effects.push({ kind: 'decide', height, body, certificate: final });
    this.#decisions.set(height, { body, certificate: final });
    this.#decisions.delete(height - this.#options.settings.decisionsKept);
    for (const index of this.#options.application.suspendedBy(body)) {
      if (!this.#suspendedFrom.has(index)) this.#suspendedFrom.set(index, height + 1);
    }
    this.#before = this.#now;
    this.#now = this.#begin(height + 1, final.x);
    this.#replayAhead();
    return true;
  }

  // ------------------------------------------------------------------------------------------- voting

  /** The only place that signs. The record precedes the message among the effects. */
  #vote(
    kind: VoteKind | 'PROPOSE',
    view: number,
    x: Digest | undefined,
    extra: {
      readonly body?: Uint8Array;
      readonly chain?: Chain;
      readonly cert?: Certificate;
      readonly p?: number;
      readonly nota?: Certificate | null;
    },
  ): void {
    const { rules } = this.#now;
    const { signer } = this.#options;
    const { chain, cert, p, nota } = extra;
    const isAllowed = this.isVoter && rules.maySign(kind, view, p);
    invariant(signer !== null && isAllowed, `${kind} is allowed in view ${view}`);
    const statement: Statement = {
      ...{ ...this.#common(), t: kind, v: view },
      ...(x === undefined ? {} : { x }),
      ...(p === undefined ? {} : { p }),
      ...(chain === undefined ? {} : { p: chain.nota?.v ?? -1, j: chainDigest(chain) }),
    };
    const sig = base64(signer.sign(consensusDomain, statementBytes(statement)));
    const signed = { ...statement, i: this.#self, sig };
    const body = extra.body === undefined ? {} : { body: base64(extra.body) };
    const proof = { ...(chain && { chain }), ...(cert && { cert }) };
    const kept = { ...signed, ...body, ...proof, ...(nota !== undefined && { nota }) };
    this.#effects.push({ kind: 'persist', record: kept as WalRecord });
    const message = (kind === 'PROPOSE' ? kept : signed) as Vote | Proposal;
    rules.note(message);
    this.#broadcast(message);
    if (message.t === 'PROPOSE') this.#keepProposal(message);
    else this.#count(message);
  }

  /** Counts a checked vote and acts on what that reveals. */
  #count(vote: Vote): void {
    this.#mindOwn(vote);
    const { certificate, evidence } = this.#now.count(vote);
    if (evidence !== null) this.#convict(evidence);
    if (certificate !== null) this.#now.admit(certificate, true);
  }

  /** A checked signature of this node's own key that its log does not have: another machine, or a disk of the past. */
  #mindOwn(signed: Statement & { readonly i: number }): void {
    if (signed.i !== this.#self || this.#isRetired || this.#options.signer === null) return;
    const { t, h, v } = signed;
    // Until it votes this node knows what its disk held at the start, however far it has caught up since.
    const { height, rules } = this.#check?.start ?? this.#now;
    if (h < height || (h === height && !rules.isUnknown(signed))) return;
    this.#isRetired = true;
    const reason = `${t} of height ${h}, view ${v} carries this node's signature but is not in its log`;
    this.#effects.push({ kind: 'retire', reason });
  }

  #convict(pair: EvidencePair): void {
    const culprit = pair.a.i;
    const member = this.#options.members[culprit];
    if (member === undefined || this.#evidence.has(culprit)) return;
    if (this.#suspendedFrom.has(culprit)) return;
    this.#evidence.set(culprit, pair);
    this.#effects.push({ kind: 'evidence', culprit: member.id, pair });
    this.#broadcast({ ...this.#common(), t: 'EVIDENCE', pair });
  }

  // ----------------------------------------------------------------------------------------- messages

  #onBytes(from: NodeId, bytes: Uint8Array): void {
    if (!this.#indexOf.has(from)) {
      this.#refuse(from, 'not a member');
      return;
    }
    let message: ConsensusMessage;
    try {
      message = decodeMessage(bytes);
    } catch (error) {
      if (!(error instanceof ConsensusError)) throw error;
      this.#refuse(from, error.message);
      return;
    }
    if (message.cid !== this.#options.cid || message.e !== this.#options.epoch) {
      this.#refuse(from, 'another consortium or epoch');
    } else if (message.t === 'EVIDENCE') {
      this.#onEvidence(from, message.pair);
    } else if (message.t === 'RECALL') {
      this.#onRecall(from, message);
    } else if (message.t === 'RECALLED') {
      this.#onRecalled(from, message);
    } else if (message.h < this.height) {
      this.#onBehind(from, message);
    } else if (message.h > this.height) {
      this.#onAhead(from, message, bytes);
    } else {
      this.#onMessage(from, message);
    }
  }

  #onMessage(from: NodeId, message: ConsensusMessage): void {
    switch (message.t) {
      case 'PROPOSE':
        this.#onProposal(from, message);
        break;
      case 'NOTARIZE':
      case 'NULLIFY':
      case 'FINALIZE':
        this.#onVote(from, message);
        break;
      case 'CERT':
        this.#onCertificateMessage(from, message.cert);
        break;
      case 'VIEW':
        this.#onView(from, message);
        break;
      case 'STATUS':
        if (message.v < this.view) this.#reply(from, this.#viewMessage());
        break;
      case 'GETBODY':
        this.#onGetBody(from, message.x);
        break;
      case 'BODY': {
        const body = bytesOf(message.body);
        this.#onBody(digestOf(body), body);
        break;
      }
      case 'DECIDED':
        this.#onDecided(from, message);
        break;
      case 'EVIDENCE':
      case 'RECALL':
      case 'RECALLED':
        break;
    }
  }

  #onVote(from: NodeId, vote: Vote): void {
    if (this.#isTooFar(vote.v) || this.#now.hasVote(vote)) return;
    // A suspended member may not have learnt of it yet: its votes say nothing, and are no offence.
    if ((this.#suspendedFrom.get(vote.i) ?? Infinity) <= vote.h) return;
    if (isStatementBy(vote, vote.i, vote.sig, this.#context)) this.#count(vote);
    else this.#refuse(from, `bad signature on ${vote.t}`);
  }

  /** R2, the checks before the application is asked; cheap ones first. */
  #onProposal(from: NodeId, proposal: Proposal): void {
    const { v, x, i, j, chain } = proposal;
    const now = this.#now;
    const first = now.proposalsSeen.get(v);
    const isDone = v < now.view || now.proposals.has(v);
    if (this.#isTooFar(v) || (isDone && first?.x === x)) return;
    const statement = signedPart(proposal);
    const body = bytesOf(proposal.body);
    const flaw =
      i !== now.leader(v)
        ? 'proposal out of turn'
        : !isStatementBy(statement, i, proposal.sig, this.#context)
          ? 'bad signature on PROPOSE'
          : digestOf(body) !== x || chainDigest(chain) !== j
            ? 'proposal names another body or chain'
            : null;
    if (flaw !== null) {
      this.#refuse(from, flaw);
      return;
    }
    this.#mindOwn(proposal);
    if (first === undefined) now.proposalsSeen.set(v, statement);
    const evidence = first === undefined ? null : evidenceOf(first, proposal);
    if (evidence !== null) this.#convict(evidence);
    if (isDone) return;
    if (!now.rules.isJustified(proposal, this.#context)) {
      this.#refuse(from, 'proposal without justification');
      this.#convict({ kind: 'bad_justification', a: statement, b: null, chain });
      return;
    }
    now.bodies.set(x, body);
    this.#keepProposal(proposal);
    this.#adopt(chain);
  }

  #keepProposal(proposal: Proposal): void {
    this.#now.proposals.set(proposal.v, proposal);
    this.#now.proposalsSeen.set(proposal.v, signedPart(proposal));
    this.#now.askToJudge = true;
  }

  /** Takes over a checked chain: its certificates lead to the view that it justifies. */
  #adopt(chain: Chain): void {
    for (const certificate of certificatesOf(chain)) this.#admit(certificate, false);
  }

  #onCertificateMessage(from: NodeId, certificate: Certificate): void {
    const { kind, h, v } = certificate;
    if (h !== this.height || this.#isTooFar(v)) return;
    if (kind === 'NULLIFY' ? v < this.view : this.#now.hasCertificate(certificate)) return;
    if (this.#isSound(certificate)) this.#admit(certificate, true);
    else this.#refuse(from, `certificate without a quorum for ${kind}`);
  }

  /** The votes inside a certificate count like any others: two certificates can convict. */
  #admit(certificate: Certificate, announce: boolean): void {
    const statements = statementsOf(certificate, this.#context);
    certificate.sigs.forEach(([i, sig], at) => {
      const statement = statements[at];
      invariant(statement !== undefined, 'each signature has its statement');
      const vote = { ...statement, i, sig } as Vote;
      this.#mindOwn(vote);
      const { evidence } = this.#now.count(vote);
      if (evidence !== null) this.#convict(evidence);
    });
    this.#now.admit(certificate, announce);
  }

  #onView(from: NodeId, { v, chain }: View): void {
    if (v > this.view) {
      if (this.#isTooFar(v)) return;
      const { quorum } = this.#now;
      if (verifyChain(chain, this.height, v, this.#context, quorum)) this.#adopt(chain);
      else this.#refuse(from, 'view without justification');
    } else if (chain.nota?.kind === 'NOTARIZE' && chain.nota.v > this.#now.parent) {
      // Votes to nullify count only beside the notarization that their signers knew.
      this.#onCertificateMessage(from, chain.nota);
    }
  }

  #onGetBody(from: NodeId, x: Digest): void {
    const body = this.#now.bodies.get(x);
    if (body === undefined) return;
    this.#reply(from, { ...this.#common(), t: 'BODY', body: base64(body) });
  }

  #onBody(x: Digest, body: Uint8Array): void {
    if (!this.#now.wanted.delete(x)) return;
    this.#now.bodies.set(x, body);
  }

  #onDecided(from: NodeId, { body, cert }: Decided): void {
    if (this.#onDecision(bytesOf(body), cert)) this.#helper = from;
    else this.#refuse(from, 'decision without proof');
  }

  #onDecision(body: Uint8Array, certificate: Certificate): boolean {
    const { kind, h, x } = certificate;
    if (kind !== 'FINALIZE' || h !== this.height || x !== digestOf(body)) return false;
    if (!this.#isSound(certificate)) return false;
    this.#now.bodies.set(x, body);
    this.#admit(certificate, false);
    return true;
  }

  /** R7: a STATUS of a lower height asks for help. A late vote does not: its sender was answered or is. */
  #onBehind(from: NodeId, message: ConsensusMessage): void {
    const { h } = message;
    const isQuestion = message.t === 'STATUS' || message.t === 'GETBODY';
    if (!isQuestion && message.t !== 'DECIDED') return;
    if (!this.#mayReply(from)) return;
    const theirs = message.t === 'DECIDED' ? message.cert : null;
    const query = { height: h, from, theirs };
    const decision = this.#decisions.get(h);
    if (decision !== undefined) this.#onFoundDecision(query, decision);
    else this.#effects.push({ kind: 'findDecision', ...query });
  }

  #onFoundDecision({ height, from, theirs }: DecisionQuery, { body, certificate }: Decision): void {
    if (theirs !== null) {
      this.#compareDecisions(certificate, theirs);
      return;
    }
    const answer = { t: 'DECIDED', body: base64(body), cert: certificate } as const;
    this.#send(from, { ...this.#common(), h: height, ...answer });
  }

  /** Two decisions of one height: more than f members lie. Nothing decided from here on means anything. */
  #compareDecisions(ours: Certificate, theirs: Certificate): void {
    const isOther = theirs.kind === 'FINALIZE' && theirs.h === ours.h && theirs.x !== ours.x;
    if (!isOther || !this.#isSound(theirs)) return;
    for (const pair of evidenceBetween(ours, theirs, this.#context)) this.#convict(pair);
    if (this.#isHalted) return;
    this.#isHalted = true;
    const reason = `two blocks are decided at height ${ours.h}: more than f members broke the rules`;
    this.#effects.push({ kind: 'halt', reason });
  }

  /** R7: others are further. Ask f+1 of them, one of whom is honest; keep what comes right after. */
  #onAhead(from: NodeId, message: ConsensusMessage, bytes: Uint8Array): void {
    if (message.h === this.height + 1 && message.t !== 'STATUS') {
      const kept = this.#ahead.get(from) ?? [];
      const keptBytes = kept.reduce((sum, one) => sum + one.byteLength, bytes.byteLength);
      if (kept.length < aheadCountMax && keptBytes <= aheadBytesMax) {
        this.#ahead.set(from, [...kept, bytes]);
      }
    }
    const asksMax = this.#faultMax + 1;
    if (this.#asked.has(from) || this.#asked.size >= asksMax) return;
    this.#asked.add(from);
    this.#send(from, { ...this.#common(), t: 'STATUS', v: this.view });
  }

  #replayAhead(): void {
    const kept = [...this.#ahead];
    this.#ahead.clear();
    for (const [from, messages] of kept) {
      for (const bytes of messages) this.#onBytes(from, bytes);
    }
  }

  #onEvidence(from: NodeId, pair: EvidencePair): void {
    // Who had a vote at a later height is not known yet.
    if (this.#evidence.has(pair.a.i) || pair.a.h > this.height) return;
    if (verifyEvidence(pair, this.#context) === null) this.#refuse(from, 'evidence of nothing');
    else this.#convict(pair);
  }

  /** A member that has started shows nothing of its own: what is held of its votes goes back to it. */
  #onRecall(from: NodeId, { h, n }: Recall): void {
    const index = this.#indexOf.get(from) ?? -1;
    const states = [this.#now, this.#before].filter((state) => state !== null && state.height >= h);
    const votes = states.flatMap((state) => state?.signedBy(index, limits.recalledMax) ?? []);
    this.#reply(from, {
      ...this.#common(),
      t: 'RECALLED',
      n,
      votes: votes.slice(0, limits.recalledMax),
    });
    // It can be heard now, perhaps for the first time since this node asked.
    if (this.#check?.hasHeard(index) === false) this.#reply(from, this.#recall(this.#check));
  }

  #onRecalled(from: NodeId, { h, n, votes }: Recalled): void {
    if (this.#check?.nonce !== n) return;
    for (const vote of votes) {
      const isOwn = vote.i === this.#self && vote.h <= h;
      if (!isOwn || !isStatementBy(vote, vote.i, vote.sig, this.#context)) {
        this.#refuse(from, 'votes that are not of the member that asks');
        return;
      }
    }
    for (const vote of votes) this.#mindOwn(vote);
    this.#check.heard(this.#indexOf.get(from) ?? -1, h);
  }

  // --------------------------------------------------------------------------------- timers and resend

  #onTimer(id: string): void {
    if (id === resendTimer) {
      this.#resendDue = true;
      this.#resendDelayMs = Math.min(this.#resendDelayMs * 2, this.#options.settings.resendMsMax);
      this.#resend();
    } else if (id === this.#viewTimer) {
      this.#viewTimer = null;
      this.#viewTimerFired = true;
      this.#nullify(); // R4
    }
  }

  /** R7: says again whatever others may have missed. */
  #resend(): void {
    const { view, rules, wanted } = this.#now;
    this.#replies.clear();
    this.#asked.clear();
    if (this.#check !== null) this.#broadcast(this.#recall(this.#check));
    const own = rules.all();
    const givenUp = Math.max(...own.map(({ t, v }) => (t === 'NULLIFY' ? v : -1)));
    for (const message of own) {
      // The last NULLIFY says all that earlier ones said; after a restart its view may be ahead of this one.
      const isLast = message.t === 'NULLIFY' && message.v === givenUp;
      if (message.t === 'FINALIZE' || message.v === view || isLast) this.#broadcast(message);
    }
    for (const [culprit, pair] of this.#evidence) {
      if (!this.#suspendedFrom.has(culprit)) {
        this.#broadcast({ ...this.#common(), t: 'EVIDENCE', pair });
      }
    }
    if (view > 0) this.#broadcast(this.#viewMessage());
    this.#broadcast({ ...this.#common(), t: 'STATUS', v: view });
    for (const [x, certificate] of wanted) this.#askForBody(x, certificate);
  }

  /** Something moved: the next retransmission is the first of a new series. */
  #hurry(): void {
    this.#resendDelayMs = this.#options.settings.resendMs;
    this.#resendDue = true;
  }

  #recall({ nonce, start }: MemoryCheck): Recall {
    return { ...this.#common(), h: start.height, t: 'RECALL', n: nonce };
  }

  #want(x: Digest, certificate: Certificate): void {
    if (this.#now.wanted.has(x)) return;
    this.#now.wanted.set(x, certificate);
    this.#askForBody(x, certificate);
  }

  /** f+1 of those who signed for a body: an honest one has it on its disk. */
  #askForBody(x: Digest, { sigs }: Certificate): void {
    const others = sigs.filter(([index]) => index !== this.#self);
    const count = Math.min(others.length, this.#faultMax + 1);
    const first = this.#options.random.integer(Math.max(1, others.length));
    for (let k = 0; k < count; k++) {
      const index = others[(first + k) % others.length]?.[0] ?? -1;
      const member = this.#options.members[index];
      if (member !== undefined) this.#send(member.id, { ...this.#common(), t: 'GETBODY', x });
    }
  }

  // ----------------------------------------------------------------------------------------- recovery

  /** A fold over ALL records: what was signed counts again, what was proved is known again. */
  #recover(records: readonly WalRecord[]): void {
    const later = records.filter((record) => record.h >= this.height);
    this.#recovering = true;
    do {
      const { height } = this;
      for (const record of later) if (record.h === height) this.#recoverRecord(record);
    } while (this.#decide()); // a recorded decision is decided again
    this.#recovering = false;
    if (later.some((record) => record.h > this.height)) throw foreign(this.height);
  }

  #recoverRecord(record: WalRecord): void {
    const { cid, epoch } = this.#options;
    if (record.cid !== cid || record.e !== epoch) throw foreign(record.h);
    const { rules, bodies } = this.#now;
    if (record.t !== 'DEC') {
      const isOwn = record.i === this.#self;
      if (!isOwn || !isStatementBy(signedPart(record), record.i, record.sig, this.#context)) {
        throw foreign(record.h);
      }
      rules.note(record.t === 'PROPOSE' ? record : voteOf(record));
    }
    const { body, certificates } = rules.recover(record);
    if (body !== null) bodies.set(digestOf(body), body);
    if (!certificates.every((certificate) => this.#isSound(certificate))) throw foreign(record.h);
    for (const certificate of certificates) this.#admit(certificate, false);
    if (record.t === 'DEC') this.#now.final = record.cert;
    else if (record.t !== 'PROPOSE') this.#count(voteOf(record));
    else if (body !== null) this.#keepProposal(record);
  }

  // ------------------------------------------------------------------------------------------ helpers

  #begin(height: number, previous: Digest): HeightState {
    const ids = this.#options.members.map((member) => member.id);
    const rules = this.#options.makeRules?.() ?? new SafetyRules();
    this.#viewTimerFired = false;
    this.#isDue = false;
    this.#askIsDue = true;
    this.#asked.clear();
    this.#hurry();
    const order = leaderOrder(previous, height, ids);
    const voters = order.filter((index) => hasVoteAt(this.#context, index, height));
    return new HeightState(height, voters, rules);
  }

  /** f of this height. */
  get #faultMax(): number {
    return faultCountMax(this.#now.order.length);
  }

  #common(): { readonly cid: Digest; readonly e: number; readonly h: number } {
    return { cid: this.#options.cid, e: this.#options.epoch, h: this.height };
  }

  #viewMessage(): View {
    return { ...this.#common(), t: 'VIEW', v: this.view, chain: this.#now.chain };
  }

  #isTooFar(view: number): boolean {
    return view > this.view + this.#options.settings.viewsAheadMax;
  }

  #isSound(certificate: Certificate): boolean {
    return verifyCertificate(certificate, this.#context, this.#quorumAt(certificate.h));
  }

  #quorumAt(height: number): number {
    return this.#now.rules.quorum(voterCount(this.#context, height));
  }

  #refuse(from: NodeId, reason: string): void {
    this.#effects.push({ kind: 'refused', from, reason });
  }

  #broadcast(message: ConsensusMessage): void {
    const bytes = this.#encode(message);
    if (bytes !== null) this.#effects.push({ kind: 'broadcast', bytes });
  }

  #send(to: NodeId, message: ConsensusMessage): void {
    const bytes = this.#encode(message);
    if (bytes !== null) this.#effects.push({ kind: 'send', to, bytes });
  }

  /** `null` for what is not said: during recovery, or because nobody would take it. */
  #encode(message: ConsensusMessage): Uint8Array | null {
    if (this.#recovering) return null;
    const bytes = encodeMessage(message);
    const sizeBytes = bytes.byteLength;
    if (sizeBytes <= limits.consensusBytesMax[message.t]) return bytes;
    this.#effects.push({ kind: 'oversized', what: message.t, sizeBytes });
    return null;
  }

  /** An answer, as long as the peer has not had too many since the last retransmission. */
  #reply(to: NodeId, message: ConsensusMessage): void {
    if (this.#mayReply(to)) this.#send(to, message);
  }

  #mayReply(to: NodeId): boolean {
    const count = this.#replies.get(to) ?? 0;
    if (count >= this.#options.settings.repliesPerResendMax) return false;
    this.#replies.set(to, count + 1);
    return true;
  }

  /** R1: a view has all the time there is until something is due, or begun and not ended. */
  #isTimed(): boolean {
    const { height, view, chain, proposals } = this.#now;
    if (!this.isVoter) return false;
    if (chain.nota !== null || proposals.has(view)) return true;
    if (this.#askIsDue) this.#isDue = this.#options.application.isDue(height);
    this.#askIsDue = false;
    return this.#isDue;
  }

  /** Brings the timers in line with the state and hands the effects over. */
  #flush(): Effect[] {
    const { height, view } = this.#now;
    const id = this.#isTimed() ? `view/${height}/${view}` : null;
    if (this.#viewTimer !== null && this.#viewTimer !== id) {
      this.#effects.push({ kind: 'clearTimer', id: this.#viewTimer });
      this.#viewTimer = null;
    }
    if (id !== null && this.#viewTimer === null && !this.#viewTimerFired) {
      this.#viewTimer = id;
      const delayMs = viewTimeoutMs(this.#options.settings, view);
      this.#effects.push({ kind: 'setTimer', id, delayMs });
    }
    if (this.#resendDue) {
      this.#resendDue = false;
      const delayMs = Math.round(this.#resendDelayMs * (0.5 + this.#options.random.uniform()));
      this.#effects.push({ kind: 'setTimer', id: resendTimer, delayMs });
    }
    return this.#effects;
  }
}

function bytesOf(text: string): Uint8Array {
  const bytes = fromBase64(text);
  invariant(bytes !== null, 'the reader checked base64');
  return bytes;
}

/** The vote alone, as it travels. */
function voteOf(record: Exclude<WalRecord, { t: 'PROPOSE' | 'DEC' }>): Vote {
  return signedPart(record) as Vote;
}

function foreign(height: number): ConsensusError {
  return new ConsensusError(
    { code: 'foreign_record', height },
    `write-ahead log of height ${height}: expected records of this consortium, epoch and key, none missing`,
  );
}
