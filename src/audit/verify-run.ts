/**
 * Verification of a run, or of one node's folder: every log on its own, then what no log can say of itself: whether it
 * lies in its member's folder, whether all members are there and tell the same, whether blobs and the exported model are
 * the ones that the logs name.
 */
import { fromUtf8, hex, messageOf, type Digest, type NodeId } from '../base/index.ts';
import type { BlockBody, Member, SignedManifest } from '../wire/index.ts';
import { parseCheckpoint, verifyNoteSignature } from './checkpoint.ts';
import { witnessKeyOf } from './policy.ts';
import { notChecked, type NodeVerdict, type RunVerdict } from './run-verdict.ts';
import { parseNote, type NoteSignature } from './signed-note.ts';
import { Report } from './verdict.ts';
import { verifyBlobs, type BlobFolder } from './verify-blobs.ts';
import { nodeLogClaim, verifyNodeLogs, type NodeLogCount } from './verify-node-log.ts';
import { examineLog, type ExaminedLog, type LogDirectory } from './verify-log-directory.ts';
import { witnessStateName } from './witness.ts';

/** A node's folder, or a log alone. */
export interface NodeFolder {
  /** What to call it in the verdict. */
  readonly folder: string;
  /** The name of the node's folder, which is its member's id; `null` when only a log is given. */
  readonly name: string | null;
  readonly log: LogDirectory;
  /** `null` when only a log is given. */
  readonly blobs: BlobFolder | null;
  /** The note that the node's witness key cosigned last; `null` when there is none. */
  readonly lastCosigned: Uint8Array | null;
  /** `node-log/`, the node's own log; empty when there is none, `null` when only a log is given. */
  readonly nodeLog: LogDirectory | null;
}

/** What `model/` of a run or of a node's home holds. */
export interface ModelFolder {
  /** All file names in it. */
  readonly names: readonly string[];
  /** SHA-256 of `model.safetensors`; `null` when it is not there. */
  readonly weightsDigest: Digest | null;
  /** Bytes of `model.json`; `null` when it is not there. */
  readonly description: Uint8Array | null;
}

/** What is to be verified. */
export interface RunFolder {
  readonly nodes: readonly NodeFolder[];
  /** Whether it is a whole run: then all members are expected. */
  readonly isRun: boolean;
  /** `model/`; `null` when there is no such folder. Members that each have a home have each their own in it. */
  readonly model: ModelFolder | 'in-homes' | null;
}

/** What the auditor knows and allows. */
export interface VerifyRunOptions {
  /** The consortium's id; a log of another is a finding. */
  readonly consortium?: Digest;
  /** Members whose folders are not there are a note and no finding. */
  readonly allowMissing?: boolean;
}

type Examined = ExaminedLog & { readonly node: NodeFolder };

/** Checks everything there is; never throws on the contents of files. */
export async function verifyRun(
  run: RunFolder,
  options: VerifyRunOptions = {},
): Promise<RunVerdict> {
  const report = new Report();
  const logs: NodeVerdict[] = [];
  const examined: Examined[] = [];
  for (const node of run.nodes) {
    const { consortium: cid } = options;
    const log = await examineLog(node.log, cid === undefined ? {} : { consortium: cid });
    examined.push({ ...log, node });
    logs.push(await verifyNode(node, log));
  }
  // Logs may end at different heights: who must be there, the latest version says.
  const [consortium = null] = examined
    .flatMap((log) => log.consortium ?? [])
    .sort((a, b) => b.manifest.version - a.manifest.version);
  compareLogs(examined, report);
  const missing = run.isRun && consortium !== null ? missingMembers(consortium, examined) : [];
  if (consortium !== null && missing.length > 0) {
    const total = consortium.manifest.members.length;
    const text = `${total - missing.length} of ${total} members' logs, ${missing.join(' ')} ${missing.length === 1 ? 'is' : 'are'} not here`;
    if (options.allowMissing === true) report.note(text);
    else report.find('nodes', `${text}; --allow-missing passes over that`);
  }
  const model = verifyModel(run, examined, report);
  const { findings, notes } = report;
  return {
    ok: findings.length === 0 && logs.every(({ verdict }) => verdict.ok),
    findings,
    notes,
    logs,
    model,
    members: consortium?.manifest.members.length ?? 0,
    missing,
    notChecked: notChecked({
      isRun: run.isRun,
      hasModel: model !== null,
      areModelsInHomes: run.model === 'in-homes',
      hasBlobs: run.nodes.every(({ blobs }) => blobs !== null),
      hasOwnLogs: run.nodes.every(({ nodeLog }) => nodeLog !== null),
    }),
  };
}

/** A log's verdict, and what its folder adds to it. */
async function verifyNode(node: NodeFolder, log: ExaminedLog): Promise<NodeVerdict> {
  const { folder, name, blobs } = node;
  const { verdict, consortium, versions, bodies } = log;
  const report = new Report();
  const lines = versions.flatMap(({ manifest }) => manifest.members);
  const member = lines.find(({ id }) => id === name)?.id ?? null;
  const { keptBy } = verdict;
  if (consortium !== null && name !== null) {
    if (member === null) {
      report.find(
        name,
        `the folder is not named as a member${keptBy === null ? '' : `; its log is ${keptBy}'s`}`,
      );
    } else if (keptBy !== null && keptBy !== member) {
      report.find(
        'log',
        `it is the copy of ${keptBy}, by its log key, and lies in the folder of ${member}`,
      );
    }
    const owned = lines.filter(({ id }) => id === (keptBy ?? member));
    checkWitness(node, owned, bodies, report);
  }
  const owner = keptBy ?? member;
  const count =
    blobs === null || consortium === null || owner === null
      ? null
      : await verifyBlobs(blobs, { member: owner, consortium, bodies }, report);
  const nodeLog = await verifyOwnLog(node, log, owner, report);
  const findings = [...verdict.findings, ...report.findings];
  const notes = [...verdict.notes, ...report.notes];
  const whole = { ...verdict, ok: findings.length === 0, findings, notes };
  return { folder, verdict: whole, blobs: count, nodeLog };
}

/** The node's own log against the heads that the shared log holds of it. */
async function verifyOwnLog(
  { nodeLog }: NodeFolder,
  log: ExaminedLog,
  owner: NodeId | null,
  report: Report,
): Promise<NodeLogCount | null> {
  if (nodeLog === null || owner === null) return null;
  return verifyNodeLogs(nodeLog, await nodeLogClaim(log, owner), report);
}

/** The head that the node's witness key cosigned last is one of this log. @param lines its member in all versions */
function checkWitness(
  { lastCosigned }: NodeFolder,
  lines: readonly Member[],
  bodies: readonly BlockBody[],
  report: Report,
): void {
  const [member] = lines;
  if (lastCosigned === null || member === undefined) return;
  const isOwn = (line: NoteSignature, text: string): boolean =>
    lines.some((one) => verifyNoteSignature(text, line, witnessKeyOf(one)));
  try {
    const { text, signatures } = parseNote(lastCosigned);
    const { size, root } = parseCheckpoint(text);
    if (!signatures.some((line) => isOwn(line, text))) {
      report.find(witnessStateName, `it is not cosigned by ${member.id}, whose log this is`);
    }
    const at = bodies.find((body) => body.log.size === size);
    if (at !== undefined && at.log.root !== hex(root)) {
      report.find(witnessStateName, `${member.id} cosigned another tree of ${size} entries`);
    }
  } catch (error) {
    report.find(witnessStateName, messageOf(error));
  }
}

/** Logs of one run may end at different heights; as far as two go, they are of one consortium and tell the same. */
function compareLogs(examined: readonly Examined[], report: Report): void {
  const roots = new Map<number, { readonly root: string; readonly folder: string }>();
  const [first] = examined.filter(({ consortium }) => consortium !== null);
  for (const { consortium, bodies, node } of examined) {
    const { folder } = node;
    if (consortium !== null && consortium.cid !== first?.consortium?.cid) {
      report.find(
        folder,
        `its consortium is ${consortium.cid}, that of ${first?.node.folder ?? ''} another`,
      );
      continue;
    }
    for (const { h, log } of bodies) {
      const other = roots.get(h);
      roots.set(h, other ?? { root: log.root, folder });
      if (other === undefined || other.root === log.root) continue;
      report.find(
        folder,
        `at height ${h} it differs from ${other.folder}: a quorum signed two histories`,
      );
      break;
    }
  }
}

function missingMembers({ manifest }: SignedManifest, examined: readonly Examined[]): NodeId[] {
  const here = new Set(examined.map(({ node }) => node.name));
  return manifest.members.map(({ id }) => id).filter((id) => !here.has(id));
}

/**
 * The exported model against the last SEAL of the longest log; `null` when nothing was exported. A node writes its model when
 * a stage is complete: it may be of a SEAL before the last, which is noted.
 */
function verifyModel(
  { model: folder, isRun }: Pick<RunFolder, 'model' | 'isRun'>,
  examined: readonly Examined[],
  report: Report,
): RunVerdict['model'] {
  if (folder === 'in-homes' || (folder === null && !isRun)) return null;
  const [longest] = [...examined].sort((a, b) => b.bodies.length - a.bodies.length);
  const rounds = longest?.verdict.rounds.filter(({ outcome }) => outcome === 'sealed') ?? [];
  const last = rounds.at(-1) ?? null;
  const itsOwn = rounds.findLast(({ modelDigest }) => modelDigest === folder?.weightsDigest);
  const sealed = isRun ? last : (itsOwn ?? last);
  if (sealed !== null && last !== null && sealed !== last) {
    report.note(`model/ is of round ${sealed.round}; round ${last.round} was sealed after it`);
  }
  if (folder === null) {
    if (sealed !== null) report.note('no model/ is here: what the run exported was not compared');
    return null;
  }
  const stage = longest?.consortium?.manifest.plan.stages.find(({ id }) => id === sealed?.stage);
  if (sealed?.modelDigest == null || stage === undefined) {
    report.find('model', 'a model was exported, and no log here seals one');
    return null;
  }
  const { modelDigest: digest, round } = sealed;
  const { weightsDigest, description } = folder;
  const seal = `the last SEAL, of round ${round}, is of ${digest}`;
  if (weightsDigest === null) report.find('model/model.safetensors', 'the file is missing');
  else if (weightsDigest !== digest) {
    report.find('model/model.safetensors', `it is the model ${weightsDigest}; ${seal}`);
  }
  const described = describedBy(description);
  if (described === null) {
    report.find('model/model.json', 'expected a JSON object with digest and spec');
  } else {
    if (described.digest !== digest) report.find('model/model.json', `its digest differs; ${seal}`);
    if (canonical(described.spec) !== canonical(stage.model)) {
      report.find(
        'model/model.json',
        `its spec is not the model of the stage ${stage.id} in the plan`,
      );
    }
  }
  for (const name of folder.names) {
    if (name !== 'model.json' && name !== 'model.safetensors') {
      report.findShared(`model/${name}`, 'a file that is not of the exported model');
    }
  }
  return { digest, round };
}

function describedBy(
  bytes: Uint8Array | null,
): { readonly digest: unknown; readonly spec: unknown } | null {
  try {
    const json: unknown = JSON.parse(fromUtf8(bytes ?? new Uint8Array()));
    if (typeof json !== 'object' || json === null) return null;
    const { digest, spec } = json as { digest?: unknown; spec?: unknown };
    return { digest, spec };
  } catch {
    return null;
  }
}

/** One text for one JSON value, whatever the order of its keys. */
function canonical(value: unknown): string {
  const sorted = (_: string, inner: unknown): unknown =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner;
  return JSON.stringify([value], sorted);
}
