/**
 * Versions of the manifest that wait to be decided. An operator hands one in, or a member tells that it has one; then it is
 * fetched by its hash, and kept only if it follows the version in force. Few are kept, those of the smallest hash, so that
 * all members come to propose the same one. What another decision has overtaken is dropped with a word.
 */
import { messageOf, type Digest, type Logger, type NodeId, type Store } from '../base/index.ts';
import { digestOf } from '../crypto/index.ts';
import { contentName, type ContentStore } from '../gossip/index.ts';
import {
  limits,
  planRefusal,
  WireError,
  type Membership,
  type Plan,
  type SignedManifest,
  type SuccessorCheck,
} from '../wire/index.ts';
import { isRestart } from './restarts.ts';

/** What became of a manifest that was handed in. */
export type Submission =
  /** It is kept, told to the members, and proposed between two rounds. */
  | { readonly kind: 'pending'; readonly version: number; readonly digest: Digest }
  /** A restart that is kept until this node's log has come to the height that it names. */
  | {
      readonly kind: 'waiting';
      readonly version: number;
      readonly digest: Digest;
      readonly height: number;
    }
  /** It is in force since the height after this one. */
  | {
      readonly kind: 'decided';
      readonly version: number;
      readonly digest: Digest;
      readonly height: number;
    }
  /** It is not kept: why, and what to do. */
  | { readonly kind: 'refused'; readonly reason: string; readonly advice: string };

/** What `PendingManifests` works with. */
export interface PendingPorts {
  readonly store: Store;
  readonly content: Pick<ContentStore, 'put' | 'remove' | 'obtainBytes'>;
  readonly logger: Logger;
  readonly inForce: SignedManifest;
  readonly check: SuccessorCheck;
  /** Why this machine cannot carry out a plan; null when it can. */
  readonly refusalOf: (plan: Plan) => string | null;
}

/** What a running peer does for them. */
export interface PendingHooks {
  /** Runs a task in the peer's queue; consensus is asked again after it. */
  readonly post: (task: () => Promise<void>) => void;
  /** The member told of something that is no next version. */
  readonly refuse: (from: NodeId, reason: string) => void;
  /** The stage under way. */
  readonly stageIndex: () => number;
}

/** One that waits. */
export interface PendingManifest {
  readonly digest: Digest;
  readonly signed: SignedManifest;
}

/** Why bytes are no next version. */
interface TakeRefusal {
  readonly reason: string;
  /** Whether nothing but signatures is wrong. */
  readonly isUnsigned: boolean;
}

const prefix = 'pending/';
/** So many wait at most. */
const keptMax = 2;
/** So many hashes of manifests are remembered as good, and as bad; all are forgotten at the limit. */
const rememberedMax = 16;

/** See the file's header. Methods are called in the peer's queue. */
export class PendingManifests {
  readonly #ports: PendingPorts;
  #hooks: PendingHooks | null = null;
  /** Those that wait, ascending by hash. */
  #kept: readonly PendingManifest[] = [];
  /** All that were found to follow the version in force. */
  readonly #good = new Map<Digest, SignedManifest>();
  readonly #bad = new Set<Digest>();
  readonly #underWay = new Set<Digest>();
  /** Members for whom something was fetched since the last tick. */
  readonly #heeded = new Set<NodeId>();

  private constructor(ports: PendingPorts) {
    this.#ports = ports;
  }

  /** Reads what earlier runs kept; what does not follow the version in force is dropped with a word. */
  static async load(ports: PendingPorts): Promise<PendingManifests> {
    const pending = new PendingManifests(ports);
    for (const name of await ports.store.list(prefix)) {
      const bytes = await ports.store.read(name);
      if (bytes === null) continue;
      const refusal = pending.#take(bytes);
      if (refusal === null) pending.#insert(digestOf(bytes));
      else await pending.#drop(digestOf(bytes), refusal.reason);
    }
    return pending;
  }

  /** Connects it with the peer that runs. */
  attach(hooks: PendingHooks): void {
    this.#hooks = hooks;
  }

  /** Those that wait, in the order in which they are proposed. */
  all(): readonly PendingManifest[] {
    return this.#kept;
  }

  /** A tick has passed: drops what the plan has overtaken. */
  async tick(): Promise<void> {
    this.#heeded.clear();
    for (const { digest, signed } of this.#kept) {
      const refusal = this.#refusalByPlan(signed);
      if (refusal !== null) await this.#drop(digest, refusal);
    }
  }

  /** An operator hands one in. */
  async submit(bytes: Uint8Array): Promise<Submission> {
    const { version } = this.#ports.inForce.manifest;
    const digest = digestOf(bytes);
    const again = `draft again from version ${version}, which is in force`;
    if (bytes.byteLength > limits.manifestBytesMax) {
      const reason = `expected at most ${limits.manifestBytesMax} bytes, got ${bytes.byteLength}`;
      return { kind: 'refused', reason, advice: again };
    }
    const refusal = this.#take(bytes);
    if (refusal !== null) {
      const { reason, isUnsigned } = refusal;
      const advice = isUnsigned ? 'gather the missing signatures, and hand it in again' : again;
      return { kind: 'refused', reason, advice };
    }
    const late = this.#refusalByPlan(this.#good.get(digest));
    if (late !== null) return { kind: 'refused', reason: late, advice: again };
    if (await this.#keep(digest, bytes)) return { kind: 'pending', version: version + 1, digest };
    const reason = `${keptMax} other versions ${version + 1} wait to be decided`;
    return { kind: 'refused', reason, advice: 'wait for their decision, and draft from that' };
  }

  /** A member says that it has a next version. */
  announced(from: NodeId, { version, digest }: { version: number; digest: Digest }): void {
    if (version !== this.#ports.inForce.manifest.version + 1) return;
    if (this.#kept.some((one) => one.digest === digest) || this.#bad.has(digest)) return;
    const last = this.#kept.at(-1);
    if (this.#kept.length >= keptMax && last !== undefined && last.digest < digest) return;
    // One fetch for each member and tick: a liar can name any number of hashes.
    if (this.#heeded.has(from)) return;
    this.#heeded.add(from);
    this.#fetch(digest, from);
  }

  /** The version that a MEMBER names: 'wait' while it is not here, 'reject' when it does not follow the one in force. */
  successor({ version, manifest: digest }: Membership): SignedManifest | 'wait' | 'reject' {
    const known = this.#good.get(digest);
    if (known !== undefined) return known.manifest.version === version ? known : 'reject';
    if (this.#bad.has(digest)) return 'reject';
    this.#fetch(digest, null);
    return 'wait';
  }

  /** From the peers, beside the queue. @param from who told of it; null for a proposal's, which is not kept */
  #fetch(digest: Digest, from: NodeId | null): void {
    const hooks = this.#hooks;
    if (hooks === null || this.#underWay.has(digest)) return;
    this.#underWay.add(digest);
    const { logger } = this.#ports;
    const done = (): void => {
      this.#underWay.delete(digest);
    };
    void this.#obtain(digest, from).then(
      ({ bytes, isNew }) => {
        done();
        hooks.post(() => this.#fetched(digest, bytes, isNew, from));
      },
      (error: unknown) => {
        done();
        logger.log('warn', 'a version of the manifest is not here yet', {
          digest,
          reason: messageOf(error),
        });
      },
    );
  }

  /** Another blob may have this hash: it is not read when it is too large, and stays where it is. */
  async #obtain(
    digest: Digest,
    from: NodeId | null,
  ): Promise<{ readonly bytes: Uint8Array; readonly isNew: boolean }> {
    const { store, content } = this.#ports;
    const heldBytes = await store.size(contentName(digest));
    const isNew = heldBytes === null;
    if (!isNew && heldBytes > limits.manifestBytesMax) return { bytes: new Uint8Array(), isNew };
    return { bytes: await content.obtainBytes(digest, limits.manifestBytesMax, from, null), isNew };
  }

  async #fetched(
    digest: Digest,
    bytes: Uint8Array,
    isNew: boolean,
    from: NodeId | null,
  ): Promise<void> {
    const refusal = this.#take(bytes, digest);
    if (refusal === null) {
      const isTimely = this.#refusalByPlan(this.#good.get(digest)) === null;
      if (from !== null && isTimely) await this.#keep(digest, bytes);
      return;
    }
    if (isNew) await this.#ports.content.remove(digest);
    if (from !== null)
      this.#hooks?.refuse(from, `a manifest that is no next version: ${refusal.reason}`);
  }

  /** Why these bytes are no next version; null when they are, and remembered as such. */
  #take(bytes: Uint8Array, digest: Digest = digestOf(bytes)): TakeRefusal | null {
    if (this.#good.has(digest)) return null;
    const { inForce, check, refusalOf } = this.#ports;
    try {
      const signed = check(inForce, bytes);
      if (isRestart(signed)) {
        const reason = "a restart is not voted for: each member's own people hand it in";
        return this.#remember(digest, { reason, isUnsigned: false });
      }
      const refusal = refusalOf(signed.manifest.plan);
      if (refusal !== null) {
        const reason = `this machine cannot carry out its plan: ${refusal}`;
        return this.#remember(digest, { reason, isUnsigned: false });
      }
      if (this.#good.size >= rememberedMax) this.#good.clear();
      this.#good.set(digest, signed);
      return null;
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      const isUnsigned = error.code === 'bad_signature';
      return this.#remember(digest, { reason: error.message, isUnsigned });
    }
  }

  #remember(bad: Digest, refusal: TakeRefusal): TakeRefusal {
    if (this.#bad.size >= rememberedMax) this.#bad.clear();
    this.#bad.add(bad);
    return refusal;
  }

  #refusalByPlan(signed: SignedManifest | undefined): string | null {
    const hooks = this.#hooks;
    if (signed === undefined || hooks === null) return null;
    const { plan } = this.#ports.inForce.manifest;
    return planRefusal(plan, signed.manifest.plan, hooks.stageIndex());
  }

  /** Keeps one on the disk; false when as many of smaller hashes wait. */
  async #keep(digest: Digest, bytes: Uint8Array): Promise<boolean> {
    if (this.#kept.some((one) => one.digest === digest)) return true;
    const last = this.#kept.at(-1);
    if (this.#kept.length >= keptMax && last !== undefined) {
      if (last.digest < digest) return false;
      await this.#drop(last.digest, 'others wait whose hashes are smaller');
    }
    await this.#ports.content.put(bytes, null);
    await this.#ports.store.write(`${prefix}${digest}`, bytes);
    this.#insert(digest);
    return true;
  }

  #insert(digest: Digest): void {
    const signed = this.#good.get(digest);
    if (signed === undefined) return;
    const all = [...this.#kept, { digest, signed }];
    this.#kept = all.sort((a, b) => (a.digest < b.digest ? -1 : 1));
  }

  async #drop(digest: Digest, reason: string): Promise<void> {
    const { store, content, logger, inForce } = this.#ports;
    this.#kept = this.#kept.filter((one) => one.digest !== digest);
    await store.remove(`${prefix}${digest}`);
    // The one in force is asked for by those who come after it.
    if (digestOf(inForce.bytes) === digest) return;
    await content.remove(digest);
    const { version } = inForce.manifest;
    const advice = `draft again from version ${version}, which is in force`;
    logger.log('warn', 'a version of the manifest is dropped', { digest, reason, advice });
  }
}
