/** The entries of a log as a list: what each is, who signed it, where it stands. */
import { hex, type Digest, type NodeId } from '../base/index.ts';
import { digestOf } from '../crypto/index.ts';
import type { BlockBody, Op } from '../wire/index.ts';
import { envelopeDigests, firstEntryOf } from './log-files.ts';
import { MerkleTree } from './merkle-tree.ts';
import type { ExaminedLog } from './verify-log-directory.ts';

/** One entry that the signed root covers. */
export interface LogEntry {
  /** From 0. */
  readonly index: number;
  /** SHA-256 of its bytes. */
  readonly digest: Digest;
  /** A signed update or report of a mixing, or the block that names it with what it does. */
  readonly kinds: readonly ('update' | 'report' | Op['op'])[];
  readonly height: number;
  /** Rounds that it belongs to: a block may end one and begin the next. */
  readonly rounds: readonly number[];
  /** Who signed it; null for a block, which a quorum signed. */
  readonly member: NodeId | null;
  /** The block's time, ms since 1970. */
  readonly atMs: number;
  /** Its bytes; null where they are damaged or missing. */
  readonly bytes: Uint8Array | null;
}

/** All entries of the blocks that a quorum signed, ascending, each read when it is asked for. */
export async function* logEntries({ bodies, entries }: ExaminedLog): AsyncGenerator<LogEntry> {
  for (const body of bodies) {
    const first = firstEntryOf(body);
    const at = { height: body.h, atMs: body.ts };
    for (const [i, digest] of envelopeDigests(body).entries()) {
      const bytes = await entries.at(first + i);
      yield { index: first + i, digest, ...at, ...authorOf(body, digest), bytes };
    }
    const index = body.log.size - 1;
    const bytes = await entries.at(index);
    const digest = bytes === null ? ('' as Digest) : digestOf(bytes);
    const kinds = body.ops.map(({ op }) => op);
    const rounds = [...new Set(body.ops.flatMap((op) => ('r' in op ? [op.r] : [])))];
    yield { index, digest, kinds, ...at, rounds, member: null, bytes };
  }
}

function authorOf(body: BlockBody, env: Digest): Pick<LogEntry, 'kinds' | 'rounds' | 'member'> {
  for (const op of body.ops) {
    const update = op.op === 'CUT' ? op.updates.find((one) => one.env === env) : undefined;
    const report =
      op.op === 'SEAL' ? op.mixed?.reports.find((one) => one.report === env) : undefined;
    if (op.op === 'CUT' && update !== undefined) {
      return { kinds: ['update'], rounds: [op.r], member: update.peer };
    }
    if (op.op === 'SEAL' && report !== undefined) {
      return { kinds: ['report'], rounds: [op.r], member: report.peer };
    }
  }
  return { kinds: ['update'], rounds: [], member: null };
}

/**
 * The path from entry `index` to the root of the first `size` entries; null when one of them is damaged or missing, so that
 * the tree cannot be made again.
 */
export function inclusionPath(
  { entries }: ExaminedLog,
  index: number,
  size: number,
): { readonly hashes: Uint8Array[]; readonly root: Digest } | null {
  const tree = new MerkleTree();
  if (entries.size < size || index >= size) return null;
  for (let at = 0; at < size; at++) {
    const hash = entries.hash(at);
    if (hash === null) return null;
    tree.append(hash);
  }
  return { hashes: tree.inclusionProof(index, size), root: hex(tree.root(size)) as Digest };
}
