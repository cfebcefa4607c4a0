/**
 * How a consortium goes on that has lost its quorum for good: a version of the manifest names the last block that the members
 * who remain have, and follows it without votes. docs/specs/manifest.md, "Restart"
 */
import type { Digest, Height } from '../base/index.ts';
import { digestOf } from '../crypto/index.ts';
import { bodyDigest, type BlockBody } from './block.ts';
import type { Certificate } from './certificate.ts';
import { digest, int, obj, optional, type Reader } from './readers.ts';

/** Where the members who remain go on: the log as they have it, down to its last block. */
export interface Restart {
  /** Of the last block. */
  readonly height: number;
  /** Digest of its body. */
  readonly block: Digest;
  /** Of the log with it: the checkpoint. */
  readonly size: number;
  readonly root: Digest;
  /** The model that the last SEAL up to it names; absent where there is none. */
  readonly model?: Digest;
}

/** Reads a restart's form. */
export const readRestart: Reader<Restart> = obj({
  height: int(1, 2 ** 31 - 2),
  block: digest,
  size: int(1, Number.MAX_SAFE_INTEGER),
  root: digest,
  model: optional(digest),
});

/** What a log ends with, as a restart names it. */
export function restartAfter(last: BlockBody, model: Digest | null): Restart {
  const { h: height, log } = last;
  const block = bodyDigest(last);
  return { height, block, size: log.size, root: log.root, ...(model === null ? {} : { model }) };
}

/** Why a restart does not go on from the log that ends with `last`; null when it does. @param model as in `Restart` */
export function restartRefusal(
  restart: Restart,
  last: BlockBody,
  model: Digest | null,
): string | null {
  const here = restartAfter(last, model);
  if (restart.height !== here.height) {
    return `it goes on from height ${restart.height}, and the last block here is that of height ${here.height}`;
  }
  if (restart.block !== here.block) {
    return `it names another block of height ${restart.height} than is decided here: there are two histories`;
  }
  if (restart.size !== here.size || restart.root !== here.root) {
    return `it names another tree after height ${restart.height} than the log's`;
  }
  if (restart.model === here.model) return null;
  return 'it names another model than the last one that was sealed';
}

/**
 * The block that puts a restart in force, at the height after the one it names. It follows from the manifest and that block
 * alone, so that all who remain write the same one; nobody votes for it.
 *
 * @param manifest bytes of the signed envelope
 * @param rootAfter of the log with this block
 */
export function restartBlock(
  last: BlockBody,
  version: number,
  manifest: Uint8Array,
  rootAfter: (block: Omit<BlockBody, 'log'>) => Digest,
): BlockBody {
  const block = {
    ...{ v: last.v, cid: last.cid, e: last.e, h: (last.h + 1) as Height },
    ...{ prev: bodyDigest(last), ts: last.ts },
    ops: [{ op: 'MEMBER', version, manifest: digestOf(manifest) }] as const,
  };
  return { ...block, log: { size: last.log.size + 1, root: rootAfter(block) } };
}

/** What stands beside such a block where others have the votes that decided them. */
export function unvoted(body: BlockBody): Certificate {
  return { kind: 'FINALIZE', h: body.h, v: 0, x: bodyDigest(body), sigs: [] };
}
