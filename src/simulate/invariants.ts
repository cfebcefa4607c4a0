/**
 * What must hold in every world, looked at after every event. Safety is looked at as it happens: what leaves a node, what it
 * has decided, what lies on its disk.
 *
 * - `agreement`: at one height all nodes have decided one block, and their chains say the same after it.
 * - `one-model`: a round is sealed with one model.
 * - `honest-pair`: no key of a node signs two statements that no honest member makes together.
 * - `written-first`: a vote is on its voter's disk before it leaves.
 * - `durable`: what a node had decided before its power went is on its disk afterwards.
 * - `fold`: a node's chain is the fold of the blocks in its log.
 * - `epoch`: a version of the manifest in force follows the one before it; a key signs for a height under the version that
 *   decides it, and a decision is signed by a quorum of that version's members, or is the block of a restart.
 * - `alive`: no peer stops by itself, but for a disk that fails.
 */
import { equalBytes, type Digest, type NodeId, type PureWork } from '../base/index.ts';
import type { Decision } from '../audit/index.ts';
import {
  ConsensusError,
  decodeMessage,
  walName,
  type ConsensusMessage,
} from '../consensus/index.ts';
import { digestOf, type VerifySignature } from '../crypto/index.ts';
import {
  advance,
  genesisChain,
  type ChainState,
  type Peer,
  type PeerEvent,
} from '../peer/index.ts';
import {
  encodeCanonical,
  forbiddenPair,
  isStatementBy,
  keyBytes,
  membershipOf,
  readCertificate,
  signedPart,
  statementsOf,
  verifyCertificate,
  type EpochContext,
  type SignedManifest,
  type SignedStatement,
  type SuccessorCheck,
} from '../wire/index.ts';

/** Which of them was broken, and how. */
export interface Violation {
  readonly invariant:
    | 'agreement'
    | 'one-model'
    | 'honest-pair'
    | 'written-first'
    | 'durable'
    | 'fold'
    | 'epoch'
    | 'alive';
  readonly node: NodeId;
  readonly detail: string;
}

/** What they look at beside the nodes. */
export interface InvariantFacts {
  readonly genesis: SignedManifest;
  /** How signatures are checked. */
  readonly verify: VerifySignature;
  /** Opens a later version of the manifest. */
  readonly succeed: SuccessorCheck;
  readonly pure: PureWork;
  /** Whose statements may contradict each other: a test's liars. */
  readonly liars: ReadonlySet<NodeId>;
}

/** See the file's header. */
export class Invariants {
  readonly #facts: InvariantFacts;
  /** By version of the manifest, those that were put in force, and who signs under them. */
  readonly #versions: SignedManifest[] = [];
  readonly #contexts: EpochContext[] = [];
  /** By version, the last height that the one before it decides. */
  readonly #begins: number[] = [];
  /** The first that was broken. */
  violation: Violation | null = null;
  /** Of each height, what the first node decided, and how the chain stands after it. */
  readonly #blocks = new Map<number, { readonly prev: Digest; readonly state: Digest }>();
  readonly #models = new Map<number, Digest>();
  /** Statements seen, by signer and height. */
  readonly #signed = new Map<string, SignedStatement[]>();
  readonly #heightOf = new Map<NodeId, number>();

  constructor(facts: InvariantFacts) {
    this.#facts = facts;
    this.#add(facts.genesis, 0);
  }

  /** The versions of the manifest that are in force at some node, by number. */
  get versions(): readonly SignedManifest[] {
    return this.#versions;
  }

  /** A node goes by this version from now on. @param height whose block put it in force */
  entered(node: NodeId, inForce: SignedManifest, height: number): void {
    const { version } = inForce.manifest;
    const known = this.#versions[version];
    const previous = this.#versions[version - 1];
    if (known === undefined && previous !== undefined) {
      try {
        // As it follows from its bytes, whatever the node makes of them.
        this.#add(this.#facts.succeed(previous, inForce.bytes), height);
      } catch (error) {
        this.#violate('epoch', node, `version ${version} does not follow: ${String(error)}`);
      }
    } else if (known === undefined || !equalBytes(known.bytes, inForce.bytes)) {
      this.#violate('agreement', node, `another version ${version} of the manifest`);
    }
  }

  #add(inForce: SignedManifest, height: number): void {
    this.#begins.push(height);
    const { cid, manifest } = inForce;
    const members = manifest.members.map(({ consensusKey }) => ({
      publicKey: keyBytes(consensusKey),
    }));
    this.#versions.push(inForce);
    this.#contexts.push({ cid, epoch: manifest.version, members, verify: this.#facts.verify });
  }

  #memberAt(epoch: number, index: number): NodeId | undefined {
    return this.#versions[epoch]?.manifest.members[index]?.id;
  }

  /** The block of each height, ascending. */
  blocks(): Digest[] {
    return [...this.#blocks].sort(([a], [b]) => a - b).map(([, { prev }]) => prev);
  }

  /** A node is about to send this. `disk` gives what its disk would keep. */
  sent(node: NodeId, bytes: Uint8Array, disk: (name: string) => Uint8Array | null): void {
    const message = this.#messageOf(bytes);
    if (message === null) return;
    if ('sig' in message) {
      this.#witness(signedPart(message));
      this.#requireWritten(node, message, disk);
    } else if (message.t === 'CERT' || message.t === 'DECIDED') {
      const { sigs } = message.cert;
      const context = this.#contexts[message.e];
      if (context === undefined) return;
      statementsOf(message.cert, context).forEach((statement, at) => {
        const [i, sig] = sigs[at] ?? [-1, ''];
        this.#witness({ ...statement, i, sig });
      });
    }
  }

  /** A node's chain after something happened there. */
  moved(node: NodeId, state: ChainState): void {
    const { height, prev } = state;
    if (this.#heightOf.get(node) === height) return;
    this.#heightOf.set(node, height);
    const told = { prev, state: stateDigest(state) };
    const known = this.#blocks.get(height);
    if (known === undefined) this.#blocks.set(height, told);
    else if (known.prev !== prev || known.state !== told.state) {
      this.#violate('agreement', node, `another block or state at height ${height}`);
    }
  }

  /** A node has started again: its chain may lie behind what it had before, until its log is read. */
  started(node: NodeId): void {
    this.#heightOf.delete(node);
  }

  /** What a node tells its watchers. */
  told(node: NodeId, event: PeerEvent): void {
    if (event.kind !== 'sealed') return;
    const known = this.#models.get(event.round);
    if (known === undefined) this.#models.set(event.round, event.model);
    else if (known !== event.model) {
      this.#violate('one-model', node, `round ${event.round} is sealed with another model`);
    }
  }

  /** A peer stopped by itself. */
  failed(node: NodeId, error: unknown): void {
    this.#violate('alive', node, String(error));
  }

  /** The power of a node went: its disk must hold all that it had decided. */
  crashed(node: NodeId, height: number, disk: (name: string) => Uint8Array | null): void {
    for (let at = height; at > 0 && at > height - 2; at--) {
      if (disk(`log/decisions/${at}.json`) === null) {
        this.#violate('durable', node, `the decision of height ${at} is gone`);
      }
    }
  }

  /** At the end: folds a node's log anew. */
  async folds(node: NodeId, { log, state }: Pick<Peer, 'log' | 'state'>): Promise<void> {
    let folded = genesisChain(this.#facts.genesis.manifest.plan);
    for (let height = 1; height <= state.height; height++) {
      const held = await log.decision(height);
      if (held === null) {
        this.#violate('fold', node, `its log has no height ${height}`);
        return;
      }
      this.#requireCertified(node, held, folded);
      folded = advance(folded, held.body, this.#versions);
      const known = this.#blocks.get(height);
      if (known !== undefined && known.state !== stateDigest(folded)) {
        this.#violate('fold', node, `its log has another chain at height ${height}`);
      }
    }
    if (stateDigest(folded) !== stateDigest(state)) {
      this.#violate('fold', node, 'its chain is not the fold of its log');
    }
  }

  /** Null for noise, which a test may send through a node. */
  #messageOf(bytes: Uint8Array): ConsensusMessage | null {
    try {
      return this.#facts.pure(decodeMessage, bytes);
    } catch (error) {
      if (error instanceof ConsensusError) return null;
      throw error;
    }
  }

  #witness(statement: SignedStatement): void {
    const { i, e, h, t, v, x, p } = statement;
    const key = `${e}/${i}/${h}`;
    const seen = this.#signed.get(key) ?? [];
    if (seen.some((one) => one.t === t && one.v === v && one.x === x && one.p === p)) return;
    // What somebody says of another counts only with that one's signature.
    const context = this.#contexts[e];
    if (context === undefined || !isStatementBy(statement, i, statement.sig, context)) return;
    this.#signed.set(key, [...seen, statement]);
    this.#requireEpoch(statement);
    const other = seen.find((one) => forbiddenPair(one, statement) !== null);
    const signer = this.#memberAt(e, i);
    if (other === undefined || signer === undefined || this.#facts.liars.has(signer)) return;
    this.#violate('honest-pair', signer, `${other.t} and ${t} of height ${h}, view ${v}`);
  }

  #requireCertified(
    node: NodeId,
    { body, certificate }: Decision,
    { suspendedFrom }: ChainState,
  ): void {
    // Where the members never change, votes are looked at as they are counted.
    if (this.#versions.length === 1) return;
    const context = this.#contexts[body.e];
    const proof = readCertificate(certificate);
    if (context !== undefined && verifyCertificate(proof, { ...context, suspendedFrom })) return;
    // A restart has no votes: its block follows from its manifest and the block before it, which all must have alike.
    const change = membershipOf(body);
    const next = change === null ? undefined : this.#versions[change.version]?.manifest;
    const isRestart = next?.restart?.block === body.prev && next.restart.height === body.h - 1;
    if (isRestart && proof.sigs.length === 0) return;
    this.#violate(
      'epoch',
      node,
      `its decision of height ${body.h} is not one of version ${body.e}`,
    );
  }

  /** An honest member signs nothing under members that do not decide the height. */
  #requireEpoch({ e, h, i, t }: SignedStatement): void {
    const signer = this.#memberAt(e, i);
    const last = this.#begins[e + 1] ?? Infinity;
    if (signer === undefined || this.#facts.liars.has(signer)) return;
    if (h > last) this.#violate('epoch', signer, `${t} of height ${h} under version ${e}`);
  }

  #requireWritten(
    node: NodeId,
    { e, h, i, sig, t }: Extract<ConsensusMessage, { readonly sig: string }>,
    disk: (name: string) => Uint8Array | null,
  ): void {
    if (this.#memberAt(e, i) !== node || this.#facts.liars.has(node)) return;
    const records = disk(walName(e, h));
    if (
      records !== null &&
      Buffer.from(records.buffer, records.byteOffset, records.byteLength).includes(sig)
    )
      return;
    this.#violate('written-first', node, `${t} of height ${h} left before it was on the disk`);
  }

  #violate(invariant: Violation['invariant'], node: NodeId, detail: string): void {
    this.violation ??= { invariant, node, detail };
  }
}

/** Digest of all that a chain's state says. */
export function stateDigest(state: ChainState): Digest {
  const { models, bases, suspendedFrom, ...rest } = state;
  const lists = { models: [...models], bases: [...bases], suspendedFrom: [...suspendedFrom] };
  return digestOf(encodeCanonical({ ...rest, ...lists }));
}
