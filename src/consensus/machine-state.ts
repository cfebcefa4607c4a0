/** What the parts of one machine share: who takes part, the height under decision, and what this node may do there. */
import { doNow, utf8, type Digest, type NodeId } from '../base/index.ts';
import { digestOf, verifySignature } from '../crypto/index.ts';
import {
  certificatesOf,
  faultCountMax,
  hasVoteAt,
  isChainShaped,
  verifyCertificate,
  voterCount,
  type Certificate,
  type Chain,
  type EpochContext,
} from '../wire/index.ts';
import { ConsensusError } from './errors.ts';
import { HeightState } from './height-state.ts';
import { leaderOrder } from './leader-order.ts';
import type { MemoryCheck } from './memory-check.ts';
import type { View } from './messages.ts';
import { Outbox } from './outbox.ts';
import type { SimplexOptions } from './ports.ts';
import { SafetyRules } from './safety-rules.ts';
import { validateConsensusSettings } from './settings.ts';
import { rememberingVerify } from './verified-signatures.ts';

/** Certificates remembered: of a height with many views a few hundred are told. */
const soundMax = 1_024;

/** See the file's header. */
export class MachineState {
  readonly options: SimplexOptions;
  readonly out: Outbox;
  /** What signatures and certificates are checked against. */
  readonly context: EpochContext;
  /** This node's index in the member list, -1 for a stranger. */
  readonly self: number;
  /** By index, the first height without a vote: grows with what is decided. */
  readonly suspendedFrom: Map<number, number>;
  /** The height under decision. */
  now: HeightState;
  /** The height decided last: members that start again are shown their votes of it too. */
  before: HeightState | null = null;
  /** Asks the others what they hold of this node's votes; null once it may vote. */
  check: MemoryCheck | null = null;
  /** This node's key was found to have signed what its log does not have. */
  isRetired = false;
  /** Two values were decided at one height. */
  isHalted = false;
  /** The members have changed: the height under decision is another machine's. */
  isOver = false;
  readonly #indexOf: ReadonlyMap<NodeId, number>;
  /** Digests of certificates that hold; all are forgotten at the limit. */
  readonly #sound = new Set<Digest>();

  /** @throws {ConsensusError} 'bad_setting' */
  constructor(options: SimplexOptions) {
    const { members, settings, application, height } = options;
    validateConsensusSettings(settings);
    this.options = options;
    this.out = new Outbox(settings.repliesPerResendMax);
    this.#indexOf = new Map(members.map((member, index) => [member.id, index]));
    if (members.length === 0 || this.#indexOf.size !== members.length) {
      const message = 'consensus members: expected one or more, each once';
      throw new ConsensusError({ code: 'bad_setting', key: 'members' }, message);
    }
    this.self = this.indexOf(options.self);
    this.suspendedFrom = new Map(options.suspendedFrom);
    this.context = {
      cid: options.cid,
      epoch: options.epoch,
      members,
      suspendedFrom: this.suspendedFrom,
      verify: options.verify ?? rememberingVerify(verifySignature),
    };
    this.now = this.#heightAfter(height, application.prevBodyDigest(height));
  }

  /** The height being decided. */
  get height(): number {
    return this.now.height;
  }

  /** The view of that height. */
  get view(): number {
    return this.now.view;
  }

  /** Whether this node signs votes. */
  get isVoter(): boolean {
    const isEnded = this.isRetired || this.isHalted || this.isOver;
    const hasKey = this.options.signer !== null && !isEnded;
    return hasKey && this.check === null && hasVoteAt(this.context, this.self, this.height);
  }

  /** f of this height. */
  get faultMax(): number {
    return faultCountMax(this.now.order.length);
  }

  /** A member's index in the member list, -1 for a stranger. */
  indexOf(id: NodeId): number {
    return this.#indexOf.get(id) ?? -1;
  }

  /** Goes on to the next height; `decided` is the digest of the body decided at this one. */
  beginNext(decided: Digest): void {
    const next = this.#heightAfter(this.height + 1, decided);
    this.before = this.now;
    this.now = next;
  }

  /** The fields that every message of this height begins with. */
  common(): { readonly cid: Digest; readonly e: number; readonly h: number } {
    return { cid: this.options.cid, e: this.options.epoch, h: this.height };
  }

  /** "Here is why I am in this view." */
  viewMessage(): View {
    return { ...this.common(), t: 'VIEW', v: this.view, chain: this.now.chain };
  }

  /** Whether votes of `view` are not kept: a liar could name any number of them. */
  isTooFar(view: number): boolean {
    return view > this.view + this.options.settings.viewsAheadMax;
  }

  /** Whether a certificate of this height could change anything here. */
  isNews(certificate: Certificate): boolean {
    const { kind, v } = certificate;
    if (this.isTooFar(v)) return false;
    return kind === 'NULLIFY' ? v >= this.view : !this.now.hasCertificate(certificate);
  }

  /** Whether a certificate of any height decided so far, or of this one, holds. Checked once: it comes from many. */
  isSound(certificate: Certificate): boolean {
    const { pure = doNow } = this.options;
    const name = pure(nameOf, certificate);
    if (this.#sound.has(name)) return true;
    const count = voterCount(this.context, certificate.h);
    const quorum = this.now.rules.quorum(count);
    if (!verifyCertificate(certificate, this.context, quorum)) return false;
    if (this.#sound.size >= soundMax) this.#sound.clear();
    this.#sound.add(name);
    return true;
  }

  /** Whether `chain` allows view `view` of this height to be entered. */
  isChainSound(chain: Chain, view: number): boolean {
    if (!isChainShaped(chain, this.height, view)) return false;
    return certificatesOf(chain).every((certificate) => this.isSound(certificate));
  }

  #heightAfter(height: number, previous: Digest): HeightState {
    const ids = this.options.members.map((member) => member.id);
    const rules = this.options.makeRules?.() ?? new SafetyRules();
    const order = leaderOrder(previous, height, ids);
    const voters = order.filter((index) => hasVoteAt(this.context, index, height));
    return new HeightState(height, voters, rules);
  }
}

/** One text for one certificate. */
function nameOf(certificate: Certificate): Digest {
  return digestOf(utf8(JSON.stringify(certificate)));
}
