/**
 * An adversary that signs anything: opposite votes, votes for everything it hears of, two proposals in one
 * view, proposals without justification. It assembles every certificate it can and tells whom it likes.
 */
import { base64, utf8, type Digest, type Random } from '../../src/base/index.ts';
import {
  encodeMessage,
  leaderOrder,
  type Recall,
  type ConsensusMember,
  type ConsensusMessage,
} from '../../src/consensus/index.ts';
import {
  certificatesOf,
  consensusDomain,
  faultCountMax,
  quorumOf,
  type Certificate,
  type Chain,
  type VoteKind,
} from '../../src/wire/index.ts';
import type { Vote } from '../../src/consensus/index.ts';
import { chainDigest } from '../../src/consensus/messages.ts';
import { statementBytes, type Statement } from '../../src/wire/certificate.ts';
import { digestOf } from '../../src/crypto/index.ts';
import { fakeSigner } from './fake-keys.ts';
import type { EventQueue } from './event-queue.ts';
import { genesis, simulationCid, type Packet } from './simulation.ts';

/** What the adversary needs from the world. */
export interface ChaosWorld {
  readonly queue: EventQueue;
  readonly random: Random;
  readonly memberCount: number;
  readonly heights: number;
  readonly isCalm: boolean;
  members(): readonly ConsensusMember[];
  decidedDigest(height: number): string | null;
  packetOf(bytes: Uint8Array): Packet;
  transmit(from: number, to: number, packet: Packet, kind: string): void;
}

export class Chaos {
  readonly #world: ChaosWorld;
  readonly #liars: number;
  readonly #random: Random;
  readonly #votes = new Map<string, Map<number, string>>();
  /** Honest NULLIFY by height and view: p and signature of each member. */
  readonly #nullify = new Map<string, Map<number, { readonly p: number; readonly sig: string }>>();
  readonly #certificates = new Map<string, Certificate>();
  readonly #values = new Map<number, Map<Digest, Uint8Array>>();
  /** Half of all liars fall silent when good times begin: nobody may depend on them. */
  readonly #isFickle: boolean;
  readonly #isOverrun: boolean;
  #height = 1;
  #view = 0;

  constructor(world: ChaosWorld, liars: number) {
    this.#isOverrun = liars > faultCountMax(world.memberCount);
    this.#world = world;
    this.#liars = liars;
    this.#random = world.random.fork('chaos');
    this.#isFickle = this.#random.uniform() < 0.5;
    world.queue.after(1, () => {
      this.#wake();
    });
  }

  /** Learns from everything that reaches any of its members. */
  onMessage(message: ConsensusMessage, from: number, to: number): void {
    // Without f+1 answers nobody votes, and nothing can go wrong. With f liars it is not needed.
    if (message.t === 'RECALL' && this.#isOverrun) {
      this.#world.transmit(to, from, recalled(this.#world, message), 'chaos');
    }
    if (message.h > this.#height) {
      this.#height = message.h;
      this.#view = 0;
    }
    if ('v' in message && message.h === this.#height) this.#view = Math.max(this.#view, message.v);
    if (message.t === 'PROPOSE') {
      this.#learnBody(message.h, message.x, Buffer.from(message.body, 'base64'));
      this.#learnChain(message.chain);
    } else if (message.t === 'VIEW') this.#learnChain(message.chain);
    else if (message.t === 'CERT' || message.t === 'DECIDED') this.#learn(message.cert);
    else if ('sig' in message) this.#countVote(message);
    if (this.#random.uniform() < 0.15) this.#misbehave();
  }

  #wake(): void {
    for (let k = 0; k < 3; k++) this.#misbehave();
    this.#world.queue.after(100 + this.#random.integer(400), () => {
      this.#wake();
    });
  }

  #misbehave(): void {
    const h = this.#height;
    if (h > this.#world.heights) return;
    const v = Math.max(0, this.#view - this.#random.integer(3) + this.#random.integer(2));
    const i = this.#random.integer(this.#liars);
    switch (this.#random.integer(6)) {
      case 0:
        this.#vote('NULLIFY', h, v, i);
        break;
      case 1:
        this.#vote('NOTARIZE', h, v, i);
        break;
      case 2:
        this.#vote('FINALIZE', h, v, i);
        break;
      case 3:
      case 4:
        this.#propose(h, v);
        break;
      case 5:
        this.#tellCertificate(h);
        break;
    }
  }

  #vote(kind: VoteKind, h: number, v: number, i: number): void {
    const values = [...(this.#values.get(h)?.keys() ?? [])];
    const x = kind === 'NULLIFY' ? undefined : values[this.#random.integer(values.length)];
    if (kind !== 'NULLIFY' && x === undefined) return;
    const more = kind === 'NULLIFY' ? { p: this.#random.integer(v + 1) - 1 } : x && { x };
    const statement = { t: kind, cid: simulationCid, e: 1, h, v, ...more };
    const vote = { ...statement, i, sig: this.#sign(statement, i) };
    this.#countVote(vote);
    this.#tell(i, vote);
  }

  /** Different values to different members, when it is a liar's turn; sometimes out of turn. */
  #propose(h: number, v: number): void {
    const previous = this.#world.decidedDigest(h - 1) ?? genesis;
    const order = leaderOrder(
      previous as Digest,
      h,
      this.#world.members().map((one) => one.id),
    );
    const leader = order[v % order.length]!;
    const i = leader < this.#liars ? leader : this.#random.integer(this.#liars);
    if (i !== leader && this.#random.uniform() < 0.9) return;
    for (let copy = 0; copy < 2; copy++) {
      const chain = this.#random.uniform() < 0.2 ? this.#brokenChain(h, v) : this.#chain(h, v);
      if (chain === null) continue;
      const body =
        (chain.nota?.x === undefined ? undefined : this.#values.get(h)?.get(chain.nota.x)) ??
        utf8(`${this.#random.integer(8) === 0 ? 'evil' : 'good'} ${h} ${v} chaos ${copy}`);
      const useOwn = this.#random.uniform() < 0.15;
      const value = useOwn ? utf8(`good ${h} ${v} other ${copy}`) : body;
      const x = digestOf(value);
      this.#learnBody(h, x, value);
      const p = chain.nota?.v ?? -1;
      const j = chainDigest(chain);
      const statement: Statement = { t: 'PROPOSE', cid: simulationCid, e: 1, h, v, x, p, j };
      const sig = this.#sign(statement, i);
      const signed = { t: 'PROPOSE', cid: simulationCid, e: 1, h, v, x, p, j, i, sig } as const;
      this.#tell(i, { ...signed, body: base64(value), chain });
    }
  }

  /** Any justification that the certificates at hand allow: old notarizations as gladly as new ones. */
  #chain(h: number, v: number): Chain | null {
    const chains = this.#notas(h, v).flatMap((nota): Chain[] => {
      const parent = nota?.v ?? -1;
      if (parent === v - 1) return [{ nota, nulli: null }];
      const nulli = this.#nullification(h, v - 1, parent);
      return nulli === null ? [] : [{ nota, nulli }];
    });
    return chains[this.#random.integer(chains.length)] ?? null;
  }

  /** A nullification beside an older notarization than its signers knew, or any two that do not fit. */
  #brokenChain(h: number, v: number): Chain {
    const notas = this.#notas(h, v);
    const nota = notas[this.#random.integer(notas.length)] ?? null;
    const view = this.#random.integer(4) === 0 ? this.#random.integer(v + 1) : v - 1;
    return { nota, nulli: view < 0 ? null : this.#nullification(h, view, Infinity) };
  }

  /** Every notarization of a view below `v`, and none. */
  #notas(h: number, v: number): (Certificate | null)[] {
    const all = [...this.#certificates.values()];
    return [...all.filter((cert) => cert.kind === 'NOTARIZE' && cert.h === h && cert.v < v), null];
  }

  /** From votes with p up to `parent`; its own members give up everything. */
  #nullification(h: number, v: number, parent: number): Certificate | null {
    const votes = new Map(
      [...(this.#nullify.get(`${h}/${v}`) ?? [])].filter(([, { p }]) => p <= parent),
    );
    for (let own = 0; own < this.#liars; own++) {
      const statement = { t: 'NULLIFY', cid: simulationCid, e: 1, h, v, p: -1 } as const;
      votes.set(own, { p: -1, sig: this.#sign(statement, own) });
    }
    const quorum = quorumOf(this.#world.memberCount);
    if (votes.size < quorum) return null;
    const chosen = [...votes].sort(([a], [b]) => a - b).slice(0, quorum);
    const sigs = chosen.map(([i, { sig }]) => [i, sig] as const);
    return { kind: 'NULLIFY', h, v, p: chosen.map(([, { p }]) => p), sigs };
  }

  #tellCertificate(h: number): void {
    const view = this.#random.integer(this.#view + 1);
    const nulli = this.#nullification(h, view, Infinity);
    const known = [...this.#certificates.values()].filter((cert) => cert.h === h);
    const some = nulli === null ? known : [...known, nulli];
    const cert = some[this.#random.integer(some.length)];
    if (cert === undefined) return;
    this.#tell(this.#random.integer(this.#liars), { t: 'CERT', cid: simulationCid, e: 1, h, cert });
  }

  /** Each member hears it or not, by the adversary's whim. */
  #tell(from: number, message: ConsensusMessage): void {
    if (this.#isFickle && this.#world.isCalm) return;
    const packet = this.#world.packetOf(encodeMessage(message));
    const chance = [0.3, 0.6, 1][this.#random.integer(3)]!;
    for (let to = this.#liars; to < this.#world.memberCount; to++) {
      if (this.#random.uniform() < chance) this.#world.transmit(from, to, packet, 'chaos');
    }
  }

  #sign(statement: Statement, i: number): string {
    const signer = fakeSigner(this.#world.members()[i]!);
    return base64(signer.sign(consensusDomain, statementBytes(statement)));
  }

  #learnBody(h: number, x: Digest, body: Uint8Array): void {
    const values = this.#values.get(h) ?? new Map<Digest, Uint8Array>();
    values.set(x, body);
    this.#values.set(h, values);
  }

  #learnChain(chain: Chain): void {
    for (const cert of certificatesOf(chain)) this.#learn(cert);
  }

  #learn(cert: Certificate): void {
    if (cert.kind !== 'NULLIFY') {
      this.#certificates.set(`${cert.kind}/${cert.h}/${cert.v}/${cert.x ?? ''}`, cert);
    }
    cert.sigs.forEach(([i, sig], at) => {
      const { kind: t, h, v, x } = cert;
      const p = cert.p?.[at];
      this.#countVote({ t, h, v, ...(x && { x }), ...(p !== undefined && { p }), i, sig });
    });
  }

  #countVote(vote: Pick<Vote, 'h' | 'v' | 'x' | 'p' | 'i' | 'sig'> & { t: string }): void {
    const { t, h, v, x, p, i, sig } = vote;
    if (t === 'NULLIFY') {
      const votes = this.#nullify.get(`${h}/${v}`) ?? new Map<number, { p: number; sig: string }>();
      this.#nullify.set(`${h}/${v}`, votes.set(i, { p: p ?? -1, sig }));
    } else if (t === 'NOTARIZE' || t === 'FINALIZE') this.#count(t, h, v, x, i, sig);
  }

  #count(
    kind: VoteKind,
    h: number,
    v: number,
    x: Digest | undefined,
    i: number,
    sig: string,
  ): void {
    const key = `${kind}/${h}/${v}/${x ?? ''}`;
    const votes = this.#votes.get(key) ?? new Map<number, string>();
    this.#votes.set(key, votes.set(i, sig));
    // Its own vote is always at hand to complete a quorum.
    for (let own = 0; own < this.#liars; own++) {
      if (!votes.has(own)) {
        votes.set(
          own,
          this.#sign({ t: kind, cid: simulationCid, e: 1, h, v, ...(x && { x }) }, own),
        );
      }
    }
    const quorum = quorumOf(this.#world.memberCount);
    if (votes.size < quorum || this.#certificates.has(key)) return;
    const sigs = [...votes].sort(([a], [b]) => a - b).slice(0, quorum);
    this.#certificates.set(key, { kind, h, v, ...(x && { x }), sigs });
    // The moment to replace a value that some may have finalized already.
    if (kind === 'NOTARIZE' && this.#random.uniform() < 0.5) this.#propose(h, v + 1);
  }
}

/** "I hold no votes of yours": every lie about votes that a member has signed needs its key. */
export function recalled(world: ChaosWorld, { h, n }: Recall): Packet {
  const common = { cid: simulationCid, e: 1, h };
  return world.packetOf(encodeMessage({ ...common, t: 'RECALLED', n, votes: [] }));
}
