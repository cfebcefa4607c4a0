/** One machine under test with real keys, and everything that the other members could say to it. */
import { base64, seededRandom, utf8, type Digest, type NodeId } from '../../src/base/index.ts';
import {
  consensusDefaults,
  decodeMessage,
  encodeMessage,
  leaderOrder,
  SimplexMachine,
  type ConsensusApplication,
  type ConsensusMember,
  type ConsensusMessage,
  type Effect,
  type Proposal,
  type SimplexOptions,
  type Vote,
  type WalRecord,
} from '../../src/consensus/index.ts';
import {
  consensusDomain,
  type Certificate,
  type Chain,
  type EpochContext,
  type VoteKind,
} from '../../src/wire/index.ts';
import { statementBytes, type Statement } from '../../src/wire/certificate.ts';
import { chainDigest } from '../../src/consensus/messages.ts';
import { digestOf, generateEd25519, sha256, type KeyPair } from '../../src/crypto/index.ts';

export const cid: Digest = digestOf(utf8('a consortium'));
export const previous: Digest = digestOf(utf8('the block before'));
export const emptyChain: Chain = { nota: null, nulli: null };
export const bodyA: Uint8Array = utf8('{"body":"A"}');
export const bodyB: Uint8Array = utf8('{"body":"B"}');
export const xA: Digest = digestOf(bodyA);
export const xB: Digest = digestOf(bodyB);

/** An epoch of `count` members with fixed keys. */
export class Epoch {
  readonly keys: readonly KeyPair[];
  readonly members: readonly ConsensusMember[];
  readonly context: EpochContext;
  readonly height: number;
  /** Who is under test: its signature must not appear from nowhere. */
  absent = 3;

  constructor(count = 4, height = 1) {
    this.height = height;
    this.keys = Array.from({ length: count }, (_, i) => generateEd25519(sha256(utf8(`seed ${i}`))));
    this.members = this.keys.map(({ publicKey }, i) => ({ id: `L${i}` as NodeId, publicKey }));
    this.context = { cid, epoch: 1, members: this.members };
  }

  /** Index of the leader of `view` at this height. */
  leader(view: number): number {
    const ids = this.members.map((member) => member.id);
    return leaderOrder(previous, this.height, ids)[view % ids.length]!;
  }

  sign(statement: Statement, i: number): string {
    return base64(this.keys[i]!.sign(consensusDomain, statementBytes(statement)));
  }

  /** `p` is that of a NULLIFY: without a notarization known unless told otherwise. */
  vote(t: VoteKind, v: number, x: Digest | undefined, i: number, p = -1): Vote {
    const more = t === 'NULLIFY' ? { p } : x && { x };
    const statement = { t, cid, e: 1, h: this.height, v, ...more };
    return { ...statement, i, sig: this.sign(statement, i) };
  }

  proposal(
    v: number,
    body: Uint8Array,
    chain: Chain = emptyChain,
    i: number = this.leader(v),
  ): Proposal {
    const statement = {
      ...({ t: 'PROPOSE', cid, e: 1, h: this.height, v, x: digestOf(body) } as const),
      ...{ p: chain.nota?.v ?? -1, j: chainDigest(chain) },
    };
    return { ...statement, i, sig: this.sign(statement, i), body: base64(body), chain };
  }

  certificate(
    kind: VoteKind,
    v: number,
    x?: Digest,
    signers: number[] = this.others(),
    p = -1,
  ): Certificate {
    const sigs = signers.map((i) => [i, this.vote(kind, v, x, i, p).sig] as const);
    const more = kind === 'NULLIFY' ? { p: signers.map(() => p) } : x && { x };
    return { kind, h: this.height, v, ...more, sigs };
  }

  /** Everybody but the one under test. */
  others(): number[] {
    return this.members.map((_, i) => i).filter((i) => i !== this.absent);
  }

  /** The chain of a view reached by nullifications only. */
  nulls(view: number): Chain {
    return { nota: null, nulli: this.certificate('NULLIFY', view - 1) };
  }
}

/** A machine with its answers. `said` is what the last step broadcast; `log` what it persisted so far. */
export class Bench {
  readonly epoch: Epoch;
  readonly self: number;
  readonly machine: SimplexMachine;
  readonly log: WalRecord[] = [];
  effects: Effect[] = [];
  isDue = true;
  offer: Uint8Array | null = bodyA;
  judgement: 'accept' | 'reject' | 'wait' = 'accept';
  /** What the decided body suspends. */
  suspends: number[] = [];
  /** Whether the decided body changes the members. */
  endsEpoch = false;

  constructor(
    epoch: Epoch,
    self: number,
    recovered: readonly WalRecord[] = [],
    { isAnswered = true, ...more }: Partial<SimplexOptions> & { isAnswered?: boolean } = {},
  ) {
    this.epoch = epoch;
    this.self = self;
    epoch.absent = self;
    const application: ConsensusApplication = {
      prevBodyDigest: () => previous,
      isDue: (height) => this.isDue && height === epoch.height,
      propose: (height) => (height === epoch.height ? this.offer : null),
      judge: (height) => (height === epoch.height ? this.judgement : 'wait'),
      suspendedBy: () => this.suspends,
      endsEpoch: () => this.endsEpoch,
    };
    this.machine = new SimplexMachine({
      ...{ cid, epoch: 1, height: epoch.height, members: epoch.members },
      ...{ self: epoch.members[self]!.id, signer: epoch.keys[self]!, application },
      ...{ settings: consensusDefaults, random: seededRandom('bench') },
      ...more,
    });
    this.#take(this.machine.start(recovered));
    if (isAnswered) this.#beAnswered();
  }

  /** All others say that they hold nothing of this node's: it may vote. */
  #beAnswered(): void {
    const recall = this.said().find((message) => message.t === 'RECALL');
    if (recall === undefined) return;
    const begun = this.effects.filter(
      (effect) => effect.kind !== 'broadcast' || decodeMessage(effect.bytes).t !== 'RECALL',
    );
    const answer = { ...recall, t: 'RECALLED', votes: [] } as const;
    for (const i of this.epoch.others()) begun.push(...this.hear(answer, i).effects);
    this.effects = begun;
  }

  /** Delivers one message; by default from its signer or the member after this one. */
  hear(message: ConsensusMessage, from?: number): this {
    const author =
      from ?? ('i' in message ? message.i : (this.self + 1) % this.epoch.members.length);
    return this.hearBytes(encodeMessage(message), author);
  }

  hearBytes(bytes: Uint8Array, from: number): this {
    const id = this.epoch.members[from]!.id;
    return this.#take(this.machine.step({ kind: 'message', from: id, bytes }));
  }

  appChanged(): this {
    return this.#take(this.machine.step({ kind: 'appChanged' }));
  }

  /** Lets the time run out in which a leader waits for the decision before it proposes again. */
  waited(): this {
    const { height, view } = this.machine;
    return this.#take(this.machine.step({ kind: 'timer', id: `again/${height}/${view}` }));
  }

  /** Lets the timer of the current view run out. */
  timeout(): this {
    const id = `view/${this.machine.height}/${this.machine.view}`;
    return this.#take(this.machine.step({ kind: 'timer', id }));
  }

  resend(): this {
    return this.#take(this.machine.step({ kind: 'timer', id: 'resend' }));
  }

  said(): ConsensusMessage[] {
    return this.effects.flatMap((e) => (e.kind === 'broadcast' ? [decodeMessage(e.bytes)] : []));
  }

  /** What was broadcast, as `KIND/view`. */
  words(): string[] {
    return this.said().map((message) => ('v' in message ? `${message.t}/${message.v}` : message.t));
  }

  sent(): { to: string; message: ConsensusMessage }[] {
    return this.effects.flatMap((e) =>
      e.kind === 'send' ? [{ to: e.to, message: decodeMessage(e.bytes) }] : [],
    );
  }

  of<K extends Effect['kind']>(kind: K): Extract<Effect, { kind: K }>[] {
    return this.effects.filter((e): e is Extract<Effect, { kind: K }> => e.kind === kind);
  }

  #take(effects: Effect[]): this {
    this.effects = effects;
    for (const effect of effects) if (effect.kind === 'persist') this.log.push(effect.record);
    return this;
  }
}
