/**
 * A restart of a consortium that lost its quorum, as this node's own people handed it in: it waits until the log has come to
 * the block that it names, and is put in force there without votes. Nobody else's word brings one in: each member's people
 * decide for their node. What the log has overtaken, or contradicts, is refused by name. docs/decisions/026-restart.md
 */
import { invariant, type Digest, type Logger, type Store } from '../base/index.ts';
import type { ConsortiumLog } from '../audit/index.ts';
import {
  planRefusal,
  restartRefusal,
  WireError,
  type Plan,
  type Restart,
  type SignedManifest,
  type SuccessorCheck,
} from '../wire/index.ts';
import type { ChainState } from './chain.ts';

/** What `Restarts` works with. */
export interface RestartPorts {
  readonly store: Store;
  readonly logger: Logger;
  readonly log: Pick<ConsortiumLog, 'head' | 'decision' | 'consortium'>;
  readonly check: SuccessorCheck;
  /** Later versions of the manifest that this node was started with: its people took them in. */
  readonly known: readonly SignedManifest[];
  /** Why this machine cannot carry out a plan; null when it can. */
  readonly refusalOf: (plan: Plan) => string | null;
}

/** A version that is a restart. */
export interface RestartVersion extends SignedManifest {
  readonly manifest: SignedManifest['manifest'] & { readonly restart: Restart };
}

/** What a restart is to the log as it is now. */
export type RestartVerdict =
  | { readonly kind: 'enter' }
  /** The log has not come to its block yet. */
  | { readonly kind: 'wait' }
  | { readonly kind: 'refused'; readonly reason: string; readonly advice: string };

const name = 'restart';

/** See the file's header. Methods are called in the peer's queue. */
export class Restarts {
  readonly #ports: RestartPorts;
  #waiting: RestartVersion | null = null;

  private constructor(ports: RestartPorts) {
    this.#ports = ports;
  }

  /** Takes up the one that waits: of the disk, else of the versions that the node was started with. */
  static async load(ports: RestartPorts): Promise<Restarts> {
    const restarts = new Restarts(ports);
    const held = await ports.store.read(name);
    const ofDisk = held === null ? null : restarts.read(held);
    if (held !== null && ofDisk === null) await ports.store.remove(name);
    const { version } = ports.log.consortium.manifest;
    const next = ports.known.find(({ manifest }) => manifest.version === version + 1);
    restarts.#waiting = ofDisk ?? (next === undefined ? null : restarts.read(next.bytes));
    return restarts;
  }

  /** The one that waits. */
  get waiting(): RestartVersion | null {
    return this.#waiting;
  }

  /** The restart in these bytes, if they are one that may follow the version in force; null for everything else. */
  read(bytes: Uint8Array): RestartVersion | null {
    try {
      const signed = this.#ports.check(this.#ports.log.consortium, bytes);
      return isRestart(signed) ? signed : null;
    } catch (error) {
      if (error instanceof WireError) return null;
      throw error;
    }
  }

  /** What it is to the log at its head. @param isLevel whether all that is decided stands in the log */
  async judge(
    { manifest }: RestartVersion,
    state: ChainState,
    isLevel: boolean,
  ): Promise<RestartVerdict> {
    const { log, refusalOf } = this.#ports;
    const { restart, plan } = manifest;
    const { height } = log.head;
    if (restart.height > height) return { kind: 'wait' };
    if (restart.height < height || !isLevel) return overtaken(restart, height);
    const last = await log.decision(height);
    invariant(last !== null, 'the log holds its last block');
    const refusal = restartRefusal(restart, last.body, await this.#sealedModel(height));
    if (refusal !== null) {
      const advice =
        'do not go on with it: compare the logs of the members who remain (annulus audit verify), and draft again from one that all have';
      return { kind: 'refused', reason: refusal, advice };
    }
    const late = planRefusal(log.consortium.manifest.plan, plan, state.stageIndex);
    const reason = late ?? refusalOf(plan);
    if (reason === null) return { kind: 'enter' };
    return { kind: 'refused', reason, advice: 'draft it again without that change of the plan' };
  }

  /** Keeps one on the disk until the log has come to its block. */
  async keep(restart: RestartVersion): Promise<void> {
    await this.#ports.store.write(name, restart.bytes);
    this.#waiting = restart;
  }

  /** It was refused: it is forgotten with a word, once. */
  async drop(reason: string, advice: string): Promise<void> {
    this.#waiting = null;
    await this.#ports.store.remove(name);
    this.#ports.logger.log('error', 'a restart of the consortium is refused', { reason, advice });
  }

  /** The model that the last SEAL names; null where none has. */
  async #sealedModel(height: number): Promise<Digest | null> {
    for (let at = height; at > 0; at--) {
      const held = await this.#ports.log.decision(at);
      const seal = held?.body.ops.find((op) => op.op === 'SEAL');
      if (seal !== undefined) return seal.agg;
    }
    return null;
  }
}

/** Whether a version is a restart. */
export function isRestart(signed: SignedManifest): signed is RestartVersion {
  return signed.manifest.restart !== undefined;
}

function overtaken({ height: named }: Restart, height: number): RestartVerdict {
  return {
    kind: 'refused',
    reason: `it goes on from height ${named}, and more is decided here, up to height ${height} at least: that would be undone`,
    advice:
      'draft it again at the member that has the greatest height: annulus consortium draft --restart',
  };
}
