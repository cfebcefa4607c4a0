/** New versions of a manifest: the genesis of hospitals that asked, and the next version when members come, go or change. */
import type { NodeId } from '../base/index.ts';
import {
  emptyStage,
  limitsOfPlan,
  planForMembers,
  planOf,
  type RunSettings,
} from '../config/index.ts';
import {
  decodeStrict,
  encodeDraft,
  limits,
  nextOf,
  readManifest,
  type Manifest,
  type Member,
  type Restart,
  type SignedManifest,
} from '../wire/index.ts';
import { NodeError } from './errors.ts';

/** What the next version changes about its members. */
export interface MemberChanges {
  /** Lines of hospitals that are not members yet. */
  readonly add: readonly Member[];
  readonly remove: readonly NodeId[];
  /** Lines of members that change something about themselves. */
  readonly replace: readonly Member[];
}

/**
 * The members after a change, ascending.
 *
 * @throws {NodeError} 'bad_draft' when one who comes is there, or one who goes or changes is not
 */
export function membersAfter(
  before: readonly Member[],
  { add, remove, replace }: MemberChanges,
): readonly Member[] {
  const isThere = (id: NodeId): boolean => before.some((member) => member.id === id);
  const named = [...add, ...replace].map(({ id }) => id).concat(remove);
  const twice = named.find((id, at) => named.indexOf(id) !== at);
  if (twice !== undefined) throw bad(`${twice} is named twice: a member changes once in a version`);
  for (const { id } of add) {
    if (isThere(id)) throw bad(`${id} is a member already: use --replace to change its line`);
  }
  for (const id of [...remove, ...replace.map((member) => member.id)]) {
    if (isThere(id)) continue;
    throw bad(`there is no member ${id}: expected ${before.map((member) => member.id).join(', ')}`);
  }
  const kept = before.filter(({ id }) => !named.includes(id));
  return [...kept, ...add, ...replace].sort((a, b) => (a.id < b.id ? -1 : 1));
}

/**
 * The genesis of these members. What they train follows from the settings, as `loadPresetFor` gives them for the members.
 *
 * @throws {NodeError} 'bad_draft'
 */
export function draftGenesis(
  facts: Pick<Manifest, 'name' | 'domain'>,
  members: readonly Member[],
  settings: RunSettings,
): Manifest {
  const plan = planOf(refuseStarts(settings));
  const sorted = membersAfter([], { add: members, remove: [], replace: [] });
  return checked({ version: 0, ...facts, members: sorted, plan, limits: limitsOfPlan(plan) });
}

/**
 * The version after `previous`. The plan stays as it was agreed but for who takes part; with settings it is a new one.
 *
 * @param restart where a consortium that lost its quorum goes on; null where the members vote for the version
 *
 * @throws {NodeError} 'bad_draft', also when nothing would change or a stage would be left without participants
 */
export function draftNext(
  previous: SignedManifest,
  changes: MemberChanges,
  settings: RunSettings | null,
  restart: Restart | null = null,
): Manifest {
  const { manifest } = previous;
  const members = membersAfter(manifest.members, changes);
  const plan =
    settings === null
      ? planForMembers(manifest.plan, manifest.members, members)
      : planOf(refuseStarts(settings));
  const empty = emptyStage(plan);
  if (empty !== null) {
    throw bad(
      `nobody would take part in stage ${empty}: let somebody label its task, or give a new plan with --preset`,
    );
  }
  const next: Manifest = {
    ...{ ...nextOf(previous), members, plan },
    limits: settings === null ? manifest.limits : limitsOfPlan(plan),
  };
  if (JSON.stringify(next) === JSON.stringify(nextOf(previous))) {
    throw bad('nothing would change: name members to add, remove or replace, or a preset');
  }
  return checked(restart === null ? next : { ...next, restart });
}

/** The next version in which this member alone renews its line. @throws {NodeError} 'bad_draft' */
export function draftRenewal(previous: SignedManifest, line: Member): Manifest {
  return draftNext(previous, { add: [], remove: [], replace: [line] }, null);
}

/** Lines of which two have a key in common, or a manifest that no reader would take, are refused here. */
function checked(manifest: Manifest): Manifest {
  const { members } = manifest;
  if (members.length > limits.membersMax) {
    throw bad(`${members.length} members: at most ${limits.membersMax} are possible`);
  }
  const keys = members.flatMap((member) => keysOf(member).map((key) => ({ id: member.id, key })));
  for (const { id, key } of keys) {
    const other = keys.find((one) => one.key === key && one.id !== id);
    if (other === undefined) continue;
    throw bad(`${id} and ${other.id} have a key in common: each home makes its own keys by init`);
  }
  return readManifest(decodeStrict(encodeDraft(manifest), { maxBytes: limits.manifestBytesMax }));
}

function keysOf(member: Member): string[] {
  const { orgKey, consensusKey, logKey, witnessKey, transportKey, sealKey } = member;
  return [orgKey, consensusKey, logKey, witnessKey, transportKey, sealKey];
}

/** Nodes have no way yet to hand each other the model that a stage begins from. */
function refuseStarts(settings: RunSettings): RunSettings {
  for (const kind of ['teacher', 'student'] as const) {
    if (settings.training[kind].start === '') continue;
    throw bad(
      `training.${kind}.start: a consortium of nodes begins with fresh weights; leave it out`,
    );
  }
  return settings;
}

function bad(reason: string): NodeError {
  return new NodeError({ code: 'bad_draft', reason });
}
