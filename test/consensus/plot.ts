/**
 * An adversary with one plan: two blocks at one height. It divides the honest members into two sides that do not hear each
 * other, proposes one value to each side where it leads, and completes every certificate for the side whose votes it saw.
 * It hears everything. With fewer than 2q-n keys the plan cannot work; with as many it works often, and convicts them.
 */
import { base64, utf8, type Digest } from '../../src/base/index.ts';
import {
  encodeMessage,
  leaderOrder,
  type ConsensusMessage,
  type Vote,
} from '../../src/consensus/index.ts';
import { chainDigest } from '../../src/consensus/messages.ts';
import { digestOf } from '../../src/crypto/index.ts';
import { statementBytes, type Statement } from '../../src/wire/certificate.ts';
import {
  certificatesOf,
  consensusDomain,
  quorumOf,
  type Certificate,
  type Chain,
  type VoteKind,
} from '../../src/wire/index.ts';
import { recalled, type ChaosWorld } from './chaos.ts';
import { fakeSigner } from './fake-keys.ts';
import { genesis, simulationCid } from './simulation.ts';

/** See the file's header. */
export class Plot {
  /** Side of each member; of a liar -1, who hears both. */
  readonly sides: readonly number[];
  readonly #world: ChaosWorld;
  readonly #liars: number;
  /** Votes seen, by kind, height, view and value: p and signature of each member. */
  readonly #votes = new Map<string, Map<number, { readonly p: number; readonly sig: string }>>();
  readonly #notas = new Map<string, Certificate>();
  readonly #values = new Map<Digest, Uint8Array>();
  readonly #done = new Set<string>();

  constructor(world: ChaosWorld, liars: number) {
    this.#world = world;
    this.#liars = liars;
    const random = world.random.fork('plot');
    const honest = world.memberCount - liars;
    const shift = random.integer(2);
    this.sides = Array.from({ length: world.memberCount }, (_, index) => {
      if (index < liars) return -1;
      // Halves, or any other division.
      return random.uniform() < 0.8 ? (index + shift) % 2 : random.integer(Math.min(2, honest));
    });
    for (let height = 1; height <= world.heights; height++) {
      world.queue.after(1 + random.integer(200), () => {
        this.#propose(height, 0);
      });
    }
  }

  /** Learns from everything that reaches any of its members. */
  onMessage(message: ConsensusMessage, from: number, to: number): void {
    const side = this.sides[from] ?? -1;
    if (message.t === 'PROPOSE') {
      this.#values.set(message.x, Buffer.from(message.body, 'base64'));
      this.#learn(message.chain, side);
    } else if (message.t === 'VIEW') {
      this.#learn(message.chain, side);
      this.#propose(message.h, message.v);
    } else if (message.t === 'CERT') this.#learnCertificate(message.cert, side);
    else if (message.t === 'NOTARIZE' || message.t === 'NULLIFY' || message.t === 'FINALIZE') {
      this.#count(message, side);
    } else if (message.t === 'STATUS') this.#propose(message.h, 0);
    else if (message.t === 'RECALL') this.#world.transmit(to, from, recalled(this.#world, message), 'plot'); // prettier-ignore
  }

  /** One value for each side, in a liar's turn. */
  #propose(h: number, v: number): void {
    const previous = (this.#world.decidedDigest(h - 1) ?? genesis) as Digest;
    const ids = this.#world.members().map((one) => one.id);
    const i = leaderOrder(previous, h, ids)[v % ids.length]!;
    if (i >= this.#liars || h > this.#world.heights) return;
    for (const side of [0, 1]) {
      if (this.#done.has(`PROPOSE/${h}/${v}/${side}`)) continue;
      const chain = this.#chain(h, v, side);
      if (chain === null) continue;
      const known = chain.nota?.x === undefined ? null : this.#values.get(chain.nota.x);
      const body = known === null ? utf8(`good ${h} ${v} plot ${side}`) : known;
      if (body === undefined) continue;
      this.#done.add(`PROPOSE/${h}/${v}/${side}`);
      const x = digestOf(body);
      this.#values.set(x, body);
      const p = chain.nota?.v ?? -1;
      const statement = { t: 'PROPOSE', cid: simulationCid, e: 1, h, v, x, p, j: chainDigest(chain) } as const; // prettier-ignore
      const sig = this.#sign(statement, i);
      this.#tell(side, { ...statement, i, sig, body: base64(body), chain });
    }
  }

  /** A justification with the highest notarization of this side, or with none at all if votes allow that. */
  #chain(h: number, v: number, side: number): Chain | null {
    if (v === 0) return { nota: null, nulli: null };
    const nota = this.#notas.get(`${h}/${side}`) ?? null;
    for (const parent of [null, nota]) {
      if (parent?.v === v - 1) return { nota: parent, nulli: null };
      const nulli = this.#certificate('NULLIFY', h, v - 1, undefined, parent?.v ?? -1);
      if (nulli !== null && (parent?.v ?? -1) < v - 1) return { nota: parent, nulli };
    }
    return null;
  }

  #learn(chain: Chain, side: number): void {
    for (const certificate of certificatesOf(chain)) this.#learnCertificate(certificate, side);
  }

  #learnCertificate(certificate: Certificate, side: number): void {
    const { kind: t, h, v, x } = certificate;
    if (t === 'NOTARIZE') this.#keepNota(certificate, side);
    certificate.sigs.forEach(([i, sig], at) => {
      const p = certificate.p?.[at];
      const vote = { t, cid: simulationCid, e: 1, h, v, ...(x && { x }), ...(p !== undefined && { p }), i, sig }; // prettier-ignore
      this.#count(vote, side);
    });
  }

  #keepNota(certificate: Certificate, side: number): void {
    const key = `${certificate.h}/${side}`;
    if ((this.#notas.get(key)?.v ?? -1) < certificate.v) this.#notas.set(key, certificate);
  }

  /** Completes what this vote allows, for the side that it comes from. */
  #count({ t, h, v, x, p, i, sig }: Vote, side: number): void {
    const key = `${t}/${h}/${v}/${x ?? ''}`;
    const votes = this.#votes.get(key) ?? new Map<number, { p: number; sig: string }>();
    this.#votes.set(key, votes.set(i, { p: p ?? -1, sig }));
    for (const to of side < 0 ? [0, 1] : [side]) {
      const cert = this.#certificate(t, h, v, x, p ?? -1);
      if (cert === null || this.#done.has(`${key}/${p ?? -1}/${to}`)) continue;
      this.#done.add(`${key}/${p ?? -1}/${to}`);
      if (t === 'NOTARIZE') this.#keepNota(cert, to);
      this.#tell(to, { t: 'CERT', cid: simulationCid, e: 1, h, cert });
    }
    this.#propose(h, v + 1);
  }

  /** From votes seen and its own; a nullification from those who gave up all behind `parent`. */
  #certificate(
    kind: VoteKind,
    h: number,
    v: number,
    x: Digest | undefined,
    parent: number,
  ): Certificate | null {
    const seen = [...(this.#votes.get(`${kind}/${h}/${v}/${x ?? ''}`) ?? [])];
    const votes = new Map(seen.filter(([, { p }]) => kind !== 'NULLIFY' || p <= parent));
    const more = kind === 'NULLIFY' ? { p: -1 } : x && { x };
    const statement = { t: kind, cid: simulationCid, e: 1, h, v, ...more };
    const missing = quorumOf(this.#world.memberCount) - votes.size;
    const own = Array.from({ length: this.#liars }, (_, i) => i).filter((i) => !votes.has(i));
    if (own.length < missing) return null;
    for (const i of own.slice(0, Math.max(0, missing))) {
      votes.set(i, { p: -1, sig: this.#sign(statement, i) });
    }
    const chosen = [...votes].sort(([a], [b]) => a - b);
    const sigs = chosen.map(([i, { sig }]) => [i, sig] as const);
    const ps = kind === 'NULLIFY' ? { p: chosen.map(([, { p }]) => p) } : {};
    return { kind, h, v, ...(x && { x }), ...ps, sigs };
  }

  #tell(side: number, message: ConsensusMessage): void {
    const packet = this.#world.packetOf(encodeMessage(message));
    this.sides.forEach((of, to) => {
      if (of === side) this.#world.transmit(0, to, packet, 'plot');
    });
  }

  #sign(statement: Statement, i: number): string {
    const signer = fakeSigner(this.#world.members()[i]!);
    return base64(signer.sign(consensusDomain, statementBytes(statement)));
  }
}
