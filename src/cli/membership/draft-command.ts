/** `annulus consortium draft`: a version of the manifest for all to sign, from join requests or from the version before. */
import type { NodeId } from '../../base/index.ts';
import type { RunSettings } from '../../config/index.ts';
import {
  encodeDraft,
  openDraft,
  verifyJoinRequest,
  type Manifest,
  type Member,
  type Restart,
  type SignedManifest,
} from '../../wire/index.ts';
import { exitCodes, usageError, type ExitCode } from '../errors.ts';
import { readNetworks, readPreset } from '../files.ts';
import { settingOf } from '../overrides.ts';
import type { HomeFlags } from '../own-home.ts';
import type { World } from '../world.ts';
import { endOfLog } from './end-of-log.ts';
import { homeIfAny, knownVersions } from './known-versions.ts';
import { readId } from './member-id.ts';
import { ofFile, readNamed, stemOf, writeResult } from './named-files.ts';
import { tell, type FormatFlags } from '../result.ts';

/** Flags of `consortium draft`, as typed. */
export interface DraftFlags extends HomeFlags, FormatFlags {
  readonly name?: string;
  readonly domain?: string;
  readonly preset?: string;
  readonly set?: readonly string[];
  readonly from?: readonly string[];
  readonly add?: readonly string[];
  readonly remove?: readonly string[];
  readonly replace?: readonly string[];
  readonly restart?: boolean;
  readonly output?: string;
}

/** @throws {CliError} 'usage'; {NodeError} 'bad_draft'; {ConfigError} for a preset */
export async function draftCommand(
  requests: readonly string[],
  flags: DraftFlags,
  world: World,
): Promise<ExitCode> {
  const isLater = [flags.from, flags.add, flags.remove, flags.replace, flags.restart].some(
    (list) => list !== undefined,
  );
  if (flags.set !== undefined && flags.preset === undefined) {
    throw usageError('--set: only with --preset, whose settings it changes');
  }
  return isLater ? draftLater(requests, flags, world) : draftFirst(requests, flags, world);
}

async function draftFirst(
  requests: readonly string[],
  flags: DraftFlags,
  world: World,
): Promise<ExitCode> {
  const { draftGenesis } = await import('../../node/index.ts');
  const { name, domain, preset } = flags;
  if (name === undefined || domain === undefined || preset === undefined) {
    throw usageError(
      'a genesis needs --name, --domain and --preset; the next version of a consortium needs --from, --add, --remove, --replace or --restart',
    );
  }
  if (requests.length === 0) throw usageError('expected the join requests of all members');
  const members = await readRequests(requests, null);
  const settings = await settingsFor(members, preset, flags);
  return writeDraft(draftGenesis({ name, domain }, members, settings), null, flags, world);
}

async function draftLater(
  requests: readonly string[],
  flags: DraftFlags,
  world: World,
): Promise<ExitCode> {
  const { draftNext, membersAfter } = await import('../../node/index.ts');
  for (const key of ['name', 'domain'] as const) {
    if (flags[key] !== undefined) throw usageError(`--${key}: of a genesis only; it never changes`);
  }
  if (requests.length > 0) {
    throw usageError(
      `${requests.join(' ')}: say --add for a new member, --replace for a changed one`,
    );
  }
  const home = await homeIfAny(flags, world);
  const end = flags.restart === true ? await endOfLog(home) : null;
  const known =
    end === null ? await knownVersions(home, flags.from ?? [], world) : [end.consortium];
  const previous = known.at(-1);
  if (previous === undefined) {
    throw usageError(
      'no version to go on from: give --from with the signed versions or an invitation',
    );
  }
  const changes = {
    add: await readRequests(flags.add ?? [], previous),
    remove: (flags.remove ?? []).map(readId),
    replace: await readRequests(flags.replace ?? [], previous),
  };
  const members = membersAfter(previous.manifest.members, changes);
  const settings =
    flags.preset === undefined ? null : await settingsFor(members, flags.preset, flags);
  const next = draftNext(previous, changes, settings, end?.restart ?? null);
  return writeDraft(next, previous, flags, world);
}

/** `annulus member revoke`: the next version without a member, to be signed by the others. */
export async function revokeCommand(
  id: string,
  flags: HomeFlags & FormatFlags & { readonly from?: readonly string[]; readonly output?: string },
  world: World,
): Promise<ExitCode> {
  return draftLater([], { ...flags, remove: [id] }, world);
}

function restartAdvice({ height }: Restart): string {
  return `
Before anybody signs: make sure by phone that those who are left out are gone for good, and that no member who remains has
more than height ${height} (annulus status): whoever has decided more cannot go on with it. Draft it where the height is greatest.
`;
}

/** Lines of members out of their join requests. */
async function readRequests(
  names: readonly string[],
  previous: SignedManifest | null,
): Promise<readonly Member[]> {
  const members: Member[] = [];
  const cameFrom = new Map<NodeId, string>();
  for (const name of names) {
    const { member, consortium } = await ofFile(
      await readNamed(name),
      'join request',
      verifyJoinRequest,
    );
    const other = cameFrom.get(member.id);
    if (other !== undefined) {
      throw usageError(
        `${name} and ${other} are both of ${member.id}: each member has a name of its own`,
      );
    }
    if (consortium !== undefined && consortium !== previous?.cid) {
      throw usageError(
        `${name}: ${member.id} asks to join consortium ${consortium}, this is ${previous?.cid ?? 'a new one'}: it needs another invitation`,
      );
    }
    cameFrom.set(member.id, name);
    members.push(member);
  }
  return members;
}

async function settingsFor(
  members: readonly Member[],
  preset: string,
  { set = [] }: DraftFlags,
): Promise<RunSettings> {
  const { loadPresetFor } = await import('../../config/index.ts');
  const { text, file } = await readPreset(preset);
  return loadPresetFor(members, text, file, set.map(settingOf), await readNetworks());
}

/** Writes a draft and shows what is in it. */
async function writeDraft(
  manifest: Manifest,
  previous: SignedManifest | null,
  flags: FormatFlags & { readonly output?: string },
  world: World,
): Promise<ExitCode> {
  const { factsOf, manifestText } = await import('../../node/index.ts');
  const file = flags.output ?? `${stemOf(manifest)}.draft.json`;
  const bytes = encodeDraft(manifest);
  const opened = openDraft(bytes);
  await writeResult(file, bytes);
  const text = `${manifestText(opened, previous)}
draft     ${file}
${manifest.restart === undefined ? '' : restartAdvice(manifest.restart)}Next: everybody compares the members' words by phone and signs: annulus consortium sign ${file}
`;
  tell(world, flags, text, { file, ...factsOf(opened, previous) });
  return exitCodes.done;
}
