/** `annulus consortium sign`, `combine` and `show`: from a draft to a version with all the signatures that it needs. */
import { existsSync } from 'node:fs';
import type { Manifest, SignedManifest } from '../../wire/index.ts';
import {
  approvalOf,
  combineSignatures,
  openDraft,
  verifyJoinRequest,
  withSignature,
  type Member,
  type OpenedManifest,
} from '../../wire/index.ts';
import type { HomeFacts } from '../../node/index.ts';
import { CliError, exitCodes, usageError, type ExitCode } from '../errors.ts';
import { writeOutput } from '../files.ts';
import type { HomeFlags } from '../own-home.ts';
import type { PassphraseFlags } from '../passphrase.ts';
import type { World } from '../world.ts';
import { homeIfAny, knownVersions } from './known-versions.ts';
import { ofFile, readNamed, stemOf, writeResult, type NamedFile } from './named-files.ts';
import { openOrgKeyFile, orgKeyFile } from './org-key-file.ts';
import { tell, type FormatFlags } from '../result.ts';

/** Flags that say which versions came before. */
export interface KnownFlags extends HomeFlags, FormatFlags {
  readonly from?: readonly string[];
}

/** Flags of `consortium sign`, as typed. */
export interface SignFlags extends KnownFlags, PassphraseFlags {
  readonly orgKey?: string;
  readonly request?: string;
  readonly yes?: boolean;
  readonly output?: string;
}

/**
 * Shows what a file would have signed, asks, and writes it with the signature.
 *
 * @throws {CliError} 'usage', also when the answer is no; {NodeError} 'not_to_sign' and others of `versionBefore`
 */
export async function signCommand(name: string, flags: SignFlags, world: World): Promise<ExitCode> {
  const { factsOf, manifestText, requireSignable, versionBefore } =
    await import('../../node/index.ts');
  const home = await homeIfAny(flags, world);
  const own = await ownLines(home, flags.request);
  const [line] = own;
  if (line === undefined) {
    throw usageError(
      'no home on this machine to compare with: give --home, or --request with the join request of this hospital',
    );
  }
  const opened = await ofFile(await readNamed(name), 'version of a manifest', openDraft);
  const before = versionBefore(opened, await knownVersions(home, flags.from ?? [], world));
  const asJson = flags.format === 'json';
  if (!asJson) world.out(manifestText(opened, before));
  const org = await openOrgKeyFile(orgKeyFile(flags.orgKey, line.id), flags, world);
  requireSignable(opened, before?.manifest ?? null, org, own);
  await requireYes(flags, world, `Sign this as ${org.id}?`, 'not signed');
  const bytes = withSignature(opened, org.key);
  const file = flags.output ?? `${stemOf(opened.manifest)}.signed-${org.id}.json`;
  await writeResult(file, bytes);
  const signed = openDraft(bytes);
  const isEnough = approvalOf(before?.manifest ?? null, signed).isEnough;
  const next = isEnough
    ? 'It has all signatures that it needs.'
    : 'Next: give it to whoever combines the signatures.';
  tell(world, flags, `\nsigned    ${file}\n${next}\n`, { file, ...factsOf(signed, before) });
  return exitCodes.done;
}

/**
 * Puts the signatures of several files of one version into one.
 *
 * @throws {CliError} 'usage' naming the file that is of another version or wrongly signed
 */
export async function combineCommand(
  names: readonly string[],
  flags: KnownFlags & { readonly output?: string },
  world: World,
): Promise<ExitCode> {
  const { factsOf, manifestText, versionBefore } = await import('../../node/index.ts');
  const [first, ...rest] = await sameVersions(names);
  const file = flags.output ?? `${stemOf(first.opened.manifest)}.json`;
  // What it holds from an earlier time stays in it.
  const earlier = existsSync(file) ? (await sameVersions([...names, file])).slice(-1) : [];
  const known = await knownVersions(await homeIfAny(flags, world), flags.from ?? [], world);
  const before = versionBefore(first.opened, known);
  const signed = [first, ...rest, ...earlier];
  for (const { named, opened } of signed) {
    await ofFile(named, 'version signed by members', () =>
      combineSignatures(before?.manifest ?? null, [opened]),
    );
  }
  const all = signed.slice(1).map(({ opened }) => opened);
  const bytes = combineSignatures(before?.manifest ?? null, [first.opened, ...all]);
  const opened = openDraft(bytes);
  await writeOutput(file, bytes);
  const next = approvalOf(before?.manifest ?? null, opened).isEnough
    ? nextStep(opened.manifest, file)
    : 'Next: get the signatures that are missing, and combine them: they are added to this file.';
  const text = `${manifestText(opened, before)}\ncombined  ${file}\n${next}\n`;
  tell(world, flags, text, { file, ...factsOf(opened, before) });
  return exitCodes.done;
}

/** A file and the version in it. */
interface OpenedFile {
  readonly named: NamedFile;
  readonly opened: OpenedManifest;
}

/** Opens files of one version. @throws {CliError} 'usage' naming the one of another, or when nobody has signed any */
async function sameVersions(names: readonly string[]): Promise<[OpenedFile, ...OpenedFile[]]> {
  const files: OpenedFile[] = [];
  for (const name of names) {
    const named = await readNamed(name);
    const opened = await ofFile(named, 'version of a manifest', openDraft);
    if (opened.envelope.payload !== (files[0]?.opened ?? opened).envelope.payload) {
      throw usageError(
        `${name} is another version than ${names[0] ?? ''}: all must sign the very same draft; compare annulus consortium show`,
      );
    }
    files.push({ named, opened });
  }
  const [first, ...rest] = files;
  if (first === undefined || files.every(({ opened }) => opened.envelope.signatures.length === 0)) {
    throw usageError('nobody has signed any of the files: annulus consortium sign FILE first');
  }
  return [first, ...rest];
}

function nextStep({ version, restart }: Manifest, file: string): string {
  if (restart !== undefined) {
    return `Next: each member who remains hands it to its own node: annulus consortium submit ${file}; newcomers take it: annulus join ${file}`;
  }
  return version === 0
    ? `Next: every member takes it: annulus join ${file}`
    : `Next: one member has it ordered: annulus consortium submit ${file}; newcomers take it: annulus join ${file}`;
}

/** Shows a version, signed or not. Exit 0 whatever it lacks. */
export async function showCommand(
  name: string,
  flags: KnownFlags,
  world: World,
): Promise<ExitCode> {
  const { factsOf, manifestText } = await import('../../node/index.ts');
  const opened = await ofFile(await readNamed(name), 'version of a manifest', openDraft);
  const known = await knownVersions(await homeIfAny(flags, world), flags.from ?? [], world);
  const before = previousOf(opened, known);
  const isAlone = opened.manifest.version > 0 && before === null;
  const note = isAlone
    ? `\nThe version before is not known here: give it with --from to see what changes and who must sign.\n`
    : '';
  tell(world, flags, manifestText(opened, before) + note, factsOf(opened, before));
  return exitCodes.done;
}

/** The one that it follows, when it is known; looking at a file refuses nothing. */
function previousOf(
  { manifest }: OpenedManifest,
  known: readonly SignedManifest[],
): SignedManifest | null {
  return known.find(({ digest }) => digest === manifest.prev) ?? null;
}

/** What this hospital says of itself: in its home, or in its own join request where the home is on another machine. */
async function ownLines(
  home: HomeFacts | null,
  request: string | undefined,
): Promise<readonly Member[]> {
  const lines = (home?.lines ?? []).map(({ member }) => member).reverse();
  if (request === undefined) return lines;
  const file = await readNamed(request);
  return [(await ofFile(file, 'join request', verifyJoinRequest)).member, ...lines];
}

/** @param otherwise what to say when the answer is no. @throws {CliError} 'usage' unless the person says yes */
export async function requireYes(
  flags: { readonly yes?: boolean },
  { terminal }: World,
  question: string,
  otherwise: string,
): Promise<void> {
  if (flags.yes === true) return;
  if (terminal === null) {
    throw usageError(
      `nobody to ask, without a terminal: ${question} Make sure of it, then give --yes`,
    );
  }
  const answer = await terminal.ask(`${question} [y/N] `, false);
  if (/^y(es)?$/i.test(answer.trim())) return;
  throw new CliError({ code: 'usage' }, otherwise);
}
