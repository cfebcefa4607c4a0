/** Which version of the manifest is in force for a node, and which keys of its home it runs with: they change while it runs. */
import { keepManifest, NodeError, type Home, type NodeKeys } from '../node/index.ts';
import { memberOf, type Member, type SignedManifest } from '../wire/index.ts';
import { DaemonError } from './errors.ts';

/** See the file's header. Begins with the newest version that the home has, and learns from the node what is in force. */
export class Membership {
  readonly #reopen: () => Promise<Home>;
  #home: Home;
  #inForce: SignedManifest;
  #keys: NodeKeys;

  /** @throws {DaemonError} 'not_joined', 'not_listed' */
  constructor(home: Home, reopen: () => Promise<Home>) {
    this.#home = home;
    this.#reopen = reopen;
    this.#inForce = newestOf(home);
    this.#keys = home.keys;
  }

  get inForce(): SignedManifest {
    return this.#inForce;
  }

  /** Keys that the node is to run with. */
  get keys(): NodeKeys {
    return this.#keys;
  }

  /** The genesis, and the versions after it that the home knows. */
  get versions(): {
    readonly consortium: SignedManifest;
    readonly knownVersions: SignedManifest[];
  } {
    const [consortium = this.#inForce, ...knownVersions] = this.#home.manifests;
    return { consortium, knownVersions };
  }

  /** What this hospital is in the version in force; as in the home while the node has not caught up to it. */
  get line(): Member {
    return memberOf(this.#inForce.manifest, this.#home.id) ?? this.#home.member;
  }

  /**
   * Takes in that `version` is in force.
   *
   * @returns whether the node must be started again, with other keys
   * @throws {NodeError} 'not_my_keys' when the keys that it names are not in the home
   */
  async adopt(version: SignedManifest): Promise<boolean> {
    this.#inForce = version;
    await this.#keep(version);
    const line = memberOf(version.manifest, this.#home.id);
    // A newcomer that has not caught up yet; whoever left is told otherwise.
    if (line === null) return false;
    // Keys that were renewed while the node runs are in the home, and not yet in this process.
    if (this.#home.keysOf(line) === null) this.#home = await this.#reopen();
    const keys = this.#home.keysOf(line);
    if (keys === null) {
      const number = version.manifest.version;
      const reason = 'names other keys than this home has';
      throw new NodeError({ code: 'not_my_keys', version: number, reason });
    }
    const isOther = keys !== this.#keys;
    this.#keys = keys;
    return isOther;
  }

  async #keep({ bytes }: SignedManifest): Promise<void> {
    try {
      const manifests = await keepManifest(this.#home, bytes, 'ordered');
      this.#home = { ...this.#home, manifests };
    } catch (error) {
      // Of several that were ordered while this node was away, only the last is told; its log has all of them.
      if (!(error instanceof NodeError) || error.code !== 'missing_versions') throw error;
    }
  }
}

function newestOf({ folder, id, manifests }: Home): SignedManifest {
  const newest = manifests.at(-1);
  if (newest === undefined) {
    throw new DaemonError(
      { code: 'not_joined', home: folder },
      `${folder}: this home has joined no consortium yet: get the signed manifest from another member, then annulus join FILE`,
    );
  }
  if (memberOf(newest.manifest, id) === null) throw notListed(newest.manifest.version, id);
  return newest;
}

/** This hospital is not among the members of a version. */
export function notListed(version: number, id: string): DaemonError {
  return new DaemonError(
    { code: 'not_listed', version },
    `version ${version} of the manifest does not list ${id}: it has left the consortium, or was shut out; ask the other members`,
  );
}
