/**
 * Two copies of a log side by side: the same, one the beginning of the other, or two histories. Of two histories it says where
 * they part, and which members signed both: each of them is convicted by its own signatures.
 */
import type { Digest, NodeId } from '../base/index.ts';
import { bodyDigest, type BlockBody } from '../wire/index.ts';
import { certificateVoters } from './certificate.ts';
import { decisionName, decodeDecision } from './log-files.ts';
import type { ExaminedLog, LogDirectory } from './verify-log-directory.ts';

/** A log that was examined, and its files. */
export interface ComparedLog {
  readonly log: ExaminedLog;
  readonly directory: LogDirectory;
}

/** The first place where two logs of one consortium say different things. */
export interface LogFork {
  readonly height: number;
  /** Digests of the two blocks of that height. */
  readonly blocks: readonly [Digest, Digest];
  /** Members whose votes stand under both, in the manifest's order. */
  readonly votedForBoth: readonly NodeId[];
  /** Members that cosigned a head of each history beyond that height. */
  readonly cosignedBoth: readonly NodeId[];
}

/** What two logs are to each other. `longer`: the second goes on from the first, or the other way round. */
export type LogRelation =
  | { readonly kind: 'same'; readonly heights: number; readonly entries: number }
  | {
      readonly kind: 'longer';
      /** Which of the two. */
      readonly longer: 0 | 1;
      readonly heights: readonly [number, number];
      readonly entries: readonly [number, number];
    }
  | { readonly kind: 'fork'; readonly fork: LogFork }
  | { readonly kind: 'strangers'; readonly cids: readonly [Digest | null, Digest | null] };

/** How `a` and `b` are related, as far as blocks of theirs are signed by a quorum. */
export async function compareLogs(a: ComparedLog, b: ComparedLog): Promise<LogRelation> {
  const cids = [a, b].map(({ log }) => log.consortium?.cid ?? null);
  const [cidA = null, cidB = null] = cids;
  if (cidA === null || cidA !== cidB) return { kind: 'strangers', cids: [cidA, cidB] };
  const others = new Map(b.log.bodies.map((body) => [body.h as number, body]));
  for (const body of a.log.bodies) {
    const other = others.get(body.h);
    if (other === undefined || bodyDigest(other) === bodyDigest(body)) continue;
    return { kind: 'fork', fork: await forkAt([a, b], [body, other]) };
  }
  const sizes = [a, b].map(({ log }) => log.bodies.at(-1)?.log.size ?? 0);
  const heights = [a, b].map(({ log }) => log.bodies.at(-1)?.h ?? 0);
  const [heightsA = 0, heightsB = 0] = heights;
  const [sizeA = 0, sizeB = 0] = sizes;
  if (heightsA === heightsB) return { kind: 'same', heights: heightsA, entries: sizeA };
  const longer = heightsA > heightsB ? 0 : 1;
  return { kind: 'longer', longer, heights: [heightsA, heightsB], entries: [sizeA, sizeB] };
}

async function forkAt(
  logs: readonly [ComparedLog, ComparedLog],
  bodies: readonly [BlockBody, BlockBody],
): Promise<LogFork> {
  const [a, b] = logs;
  const [bodyA, bodyB] = bodies;
  const [votersA, votersB] = await Promise.all([votersOf(a, bodyA), votersOf(b, bodyB)]);
  const beyond = ({ log }: ComparedLog, body: BlockBody): readonly NodeId[] =>
    log.verdict.treeSize >= body.log.size ? log.verdict.cosignedBy : [];
  const cosignedB = new Set(beyond(b, bodyB));
  return {
    height: bodyA.h,
    blocks: [bodyDigest(bodyA), bodyDigest(bodyB)],
    votedForBoth: votersA.filter((id) => votersB.includes(id)),
    cosignedBoth: beyond(a, bodyA).filter((id) => cosignedB.has(id)),
  };
}

/** Whose votes decided a block; they were verified when the log was examined. */
async function votersOf({ log, directory }: ComparedLog, body: BlockBody): Promise<NodeId[]> {
  const bytes = await directory.read(decisionName(body.h));
  const members = log.versions[body.e]?.manifest.members ?? [];
  if (bytes === null) return [];
  return certificateVoters(decodeDecision(bytes)).flatMap((index) => members[index]?.id ?? []);
}
