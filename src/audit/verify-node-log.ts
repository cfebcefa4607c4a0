/**
 * Verification of a node's own logs: each on its own, then against the heads that the shared log holds of it. Such a head
 * fixes every entry up to it: one that was changed or cut off since is found. What comes after the last is the node's word.
 */
import { hex, messageOf, type NodeId } from '../base/index.ts';
import { decodeUpdateStatement, keyBytes, memberOf, type NodeLogHead } from '../wire/index.ts';
import { MerkleTree } from './merkle-tree.ts';
import { checkpointName, envelopeDigests, firstEntryOf, tileNames } from './log-files.ts';
import { decodeNodeEntry, type NodeEntry } from './node-events.ts';
import { nodeLogFolder, nodeLogOf, nodeLogPrefix, openNodeCheckpoint } from './node-log.ts';
import { LeafHashes } from './leaf-hashes.ts';
import { SoundEntries } from './sound-entries.ts';
import { tileWidth } from './tiles.ts';
import { Report } from './verdict.ts';
import type { ExaminedLog, LogDirectory } from './verify-log-directory.ts';
import { verifyTree } from './verify-tree.ts';

/** A head of a node's own log, and the round whose update anchored it in the shared log. */
export interface Anchor extends NodeLogHead {
  readonly round: number;
}

/** What is to be checked, and against what. */
export interface NodeLogClaim {
  readonly node: NodeId;
  /** Every log key that the node has had. */
  readonly logKeys: readonly Uint8Array[];
  readonly anchors: readonly Anchor[];
}

/** What was found to be there. */
export interface NodeLogCount {
  readonly entries: number;
  readonly anchors: number;
  /** Entries behind the last anchor: nobody but the node vouches for them. */
  readonly unanchored: number;
}

/** One entry of an own log. */
export interface OwnEntry {
  readonly log: number;
  readonly index: number;
  /** Null where it cannot be read. */
  readonly entry: NodeEntry | null;
}

/** What the shared log says of a member's own log: its keys in every version, and its heads in updates, as far as these are sound. */
export async function nodeLogClaim(log: ExaminedLog, node: NodeId): Promise<NodeLogClaim> {
  const lines = log.versions.flatMap(({ manifest }) => memberOf(manifest, node) ?? []);
  const logKeys = lines.map(({ logKey }) => keyBytes(logKey));
  return { node, logKeys, anchors: await anchorsOf(log, node) };
}

async function anchorsOf({ bodies, entries }: ExaminedLog, node: NodeId): Promise<Anchor[]> {
  const anchors: Anchor[] = [];
  for (const body of bodies) {
    for (const op of body.ops) {
      const update = op.op === 'CUT' ? op.updates.find(({ peer }) => peer === node) : undefined;
      if (update === undefined) continue;
      const index = firstEntryOf(body) + envelopeDigests(body).indexOf(update.env);
      const bytes = await entries.at(index);
      const said = bytes === null ? null : statementOf(bytes);
      if (said?.nodeLog != null) anchors.push({ round: said.round, ...said.nodeLog });
    }
  }
  return anchors;
}

function statementOf(
  bytes: Uint8Array,
): ReturnType<typeof decodeUpdateStatement>['statement'] | null {
  try {
    return decodeUpdateStatement(bytes).statement;
  } catch {
    return null; // found when the shared log was verified
  }
}

/** Checks every file below `node-log/`; never throws on their contents. */
export async function verifyNodeLogs(
  directory: LogDirectory,
  claim: NodeLogClaim,
  report: Report,
): Promise<NodeLogCount> {
  const read = await readNodeLogs(directory, claim, report);
  const trees = new Map(read.map((one) => [one.log, one]));
  // That a disk was lost is no crime if the log that was begun then says so, in the shared log too: else any cut could be excused.
  const isTold = ({ log, isSuccessor }: ReadLog): boolean =>
    isSuccessor && claim.anchors.some((anchor) => anchor.log === log);
  const begun = Math.max(0, ...read.filter(isTold).map(({ log }) => log));
  const told = new Set<number>();
  for (const anchor of claim.anchors) {
    const problem = problemOf(anchor, trees.get(anchor.log) ?? null);
    // One finding for one log: the first anchor that it does not hold.
    if (problem === null || told.has(anchor.log)) continue;
    told.add(anchor.log);
    const where = nodeLogFolder(anchor.log).slice(0, -1);
    if (anchor.log < begun && problem.isLoss)
      report.note(`${where}: ${problem.text}; log ${begun} says so`);
    else report.find(where, problem.text);
  }
  const entries = read.reduce((sum, { tree }) => sum + tree.size, 0);
  const unanchored = read.reduce((sum, { log, tree }) => {
    const sizes = claim.anchors.filter((one) => one.log === log).map(({ size }) => size);
    return sum + Math.max(0, tree.size - Math.max(0, ...sizes));
  }, 0);
  return { entries, anchors: claim.anchors.length, unanchored };
}

/** Why a log is not the one that an anchor is of. */
function problemOf(
  { round, size, root }: Anchor,
  held: ReadLog | null,
): { readonly text: string; readonly isLoss: boolean } | null {
  const anchored = `the update of round ${round} anchors ${size} entries`;
  if (held === null || held.signedSize < size) {
    return { isLoss: true, text: `cut off: ${anchored}, ${held?.signedSize ?? 0} are here` };
  }
  // Behind a damaged entry nothing can be said; the damage was found.
  if (held.tree.size < size || hex(held.tree.root(size)) === root) return null;
  return { isLoss: false, text: `rewritten: ${anchored}, and the first ${size} are not those` };
}

/** One log as far as it is sound. */
interface ReadLog {
  readonly log: number;
  /** What its checkpoint says; infinite when that cannot be read, which was found. */
  readonly signedSize: number;
  /** Of the entries up to the first that is damaged. */
  readonly tree: MerkleTree;
  /** Whether its first entry says that it takes the place of another. */
  readonly isSuccessor: boolean;
  readonly entries: SoundEntries;
}

async function readNodeLogs(
  directory: LogDirectory,
  { node, logKeys }: NodeLogClaim,
  report: Report,
): Promise<ReadLog[]> {
  const names = await directory.list();
  const numbers = new Set(names.map(nodeLogOf).filter((log) => log > 0));
  const found: ReadLog[] = [];
  for (const log of [...numbers].sort((a, b) => a - b)) {
    const one = await readNodeLog({ directory, names, node, log, logKeys }, report);
    if (log > 1 && one.tree.size > 0 && !one.isSuccessor) {
      report.find(nodeLogFolder(log), 'its first entry does not say why it was begun');
    }
    found.push(one);
  }
  const strangers = names.filter((name) => nodeLogOf(name) === 0 && name !== 'restored');
  for (const name of strangers) {
    report.findShared(nodeLogPrefix + name, 'a file that does not belong to an own log');
  }
  return found;
}

async function readNodeLog(
  place: {
    readonly directory: LogDirectory;
    readonly names: readonly string[];
    readonly node: NodeId;
    readonly log: number;
    readonly logKeys: readonly Uint8Array[];
  },
  report: Report,
): Promise<ReadLog> {
  const { directory, node, log, logKeys } = place;
  const folder = nodeLogFolder(log);
  const below = `${log}/`;
  const read = (name: string): Promise<Uint8Array | null> => directory.read(below + name);
  const names = place.names
    .filter((name) => name.startsWith(below))
    .map((name) => name.slice(below.length));
  const tree = new MerkleTree();
  const nothing = new SoundEntries(read, new LeafHashes());
  const unread = { log, signedSize: Infinity, tree, isSuccessor: false, entries: nothing };
  const note = await read(checkpointName);
  let head: { readonly size: number; readonly root: Uint8Array };
  try {
    head = openNodeCheckpoint(note ?? new Uint8Array(), node, log, logKeys);
  } catch (error) {
    report.find(folder + checkpointName, note === null ? 'the file is missing' : messageOf(error));
    return unread;
  }
  const { size } = head;
  if (size > names.filter((name) => name.startsWith('tile/entries/')).length * tileWidth) {
    report.find(folder, `too few bundles for the ${size} entries that are signed`);
    return unread;
  }
  const part = new Report();
  const roots = [{ where: checkpointName, size, root: hex(head.root) }];
  const entryName = (index: number): string => `entry ${index}`;
  const entries = await verifyTree({ read, size, cosignedSize: size, roots, entryName }, part);
  const known = new Set([checkpointName, ...tileNames(size)]);
  for (const name of names) {
    if (!known.has(name)) part.findShared(name, 'a file that does not belong to this log');
  }
  let isSuccessor = false;
  for (let index = 0; index < size; index++) {
    const bytes = await entries.at(index);
    if (bytes === null) break; // found by verifyTree
    const { event, problem } = eventOf(bytes);
    if (problem !== null) part.find(entryName(index), problem);
    if (event === 'log-begun' && (index > 0 || log === 1)) {
      part.find(entryName(index), 'a log begins with its first entry, and the first log with none');
    }
    if (index === 0) isSuccessor = event === 'log-begun';
    const hash = entries.hash(index);
    if (hash !== null) tree.append(hash);
  }
  for (const { where, what } of part.findings) report.find(folder + where, what);
  return { log, signedSize: size, tree, isSuccessor, entries };
}

function eventOf(bytes: Uint8Array): { readonly event: string; readonly problem: string | null } {
  try {
    return { event: decodeNodeEntry(bytes).event, problem: null };
  } catch (error) {
    return { event: '', problem: `not an event of the list: ${messageOf(error)}` };
  }
}

/** All entries of a node's own logs, oldest first; what is wrong with them goes into the report. */
export async function* ownEntries(
  directory: LogDirectory,
  claim: NodeLogClaim,
  report: Report,
): AsyncGenerator<OwnEntry> {
  for (const { log, entries } of await readNodeLogs(directory, claim, report)) {
    for (let index = 0; index < entries.size; index++) {
      const bytes = await entries.at(index);
      const isRead = bytes !== null && eventOf(bytes).problem === null;
      yield { log, index, entry: isRead ? decodeNodeEntry(bytes) : null };
    }
  }
}
