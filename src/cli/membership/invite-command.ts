/** `annulus invite` and `annulus join`: what a new hospital is given, and how signed versions come into a home. */
import { equalBytes } from '../../base/index.ts';
import { keyBytes, makeInvitation, memberOf, type SignedManifest } from '../../wire/index.ts';
import { exitCodes, usageError, type ExitCode } from '../errors.ts';
import { lookAtOwnHome, type HomeFlags } from '../own-home.ts';
import type { PassphraseFlags } from '../passphrase.ts';
import type { World } from '../world.ts';
import { ofFile, readNamed, requireFree, writeResult } from './named-files.ts';
import { openOrgKeyFile, orgKeyFile } from './org-key-file.ts';
import { tell, type FormatFlags } from '../result.ts';

/** Flags of `invite`, as typed. */
export interface InviteFlags extends HomeFlags, PassphraseFlags, FormatFlags {
  readonly orgKey?: string;
  readonly days: string;
  readonly output: string;
}

const dayMs = 86_400_000;
const daysMax = 90;

/**
 * Writes an invitation into the consortium of this home.
 *
 * @throws {CliError} 'usage' before the home has joined, or with another key than its organisation's
 */
export async function inviteCommand(flags: InviteFlags, world: World): Promise<ExitCode> {
  const { latestCheckpoint } = await import('../../node/index.ts');
  const { fingerprintWords } = await import('../../crypto/index.ts');
  const days = Number(flags.days);
  if (!Number.isInteger(days) || days < 1 || days > daysMax) {
    throw usageError(`--days: expected 1 to ${daysMax}, got "${flags.days.slice(0, 20)}"`);
  }
  const home = await lookAtOwnHome(flags, world);
  const newest = home.manifests.at(-1);
  const line = newest === undefined ? null : memberOf(newest.manifest, home.id);
  if (newest === undefined || line === null) {
    throw usageError(`${home.folder} is in no consortium yet: annulus join FILE first`);
  }
  requireFree(flags.output);
  const file = orgKeyFile(flags.orgKey, home.id);
  const { key } = await openOrgKeyFile(file, flags, world);
  if (!equalBytes(key.publicKey, keyBytes(line.orgKey))) {
    throw usageError(
      `${file}: not the key that version ${newest.manifest.version} names for ${home.id}: give the right one with --org-key`,
    );
  }
  const nowMs = world.dateMs();
  const checkpoint = await latestCheckpoint(home);
  const bytes = makeInvitation(
    home.manifests,
    {
      ...{ cid: newest.cid, newest: newest.digest, inviter: home.id, createdAtMs: nowMs },
      expiresAtMs: nowMs + days * dayMs,
      ...(checkpoint === null ? {} : { checkpoint }),
    },
    key,
  );
  await writeResult(flags.output, bytes);
  const words = fingerprintWords(newest.cid);
  const text = `invitation   ${flags.output}, for ${days} days
consortium   ${newest.manifest.name}, ${newest.cid}
in words     ${words.join(' ')}

Next: the new hospital makes its home with it: annulus init --id … --address … --invitation ${flags.output}
It sends back its join request; you draft the next version: annulus consortium draft --add THEIR.join-request.json
`;
  tell(world, flags, text, { file: flags.output, consortium: newest.cid, days, words });
  return exitCodes.done;
}

/** Flags of `join`, as typed. */
export type JoinFlags = HomeFlags & FormatFlags;

/**
 * Takes signed versions of the manifest into the home, or says at once why not.
 *
 * @throws {CliError} 'usage'; {NodeError} 'stale_manifest', 'missing_versions', 'foreign_consortium', 'not_my_keys'; {WireError}
 */
export async function joinCommand(
  names: readonly string[],
  flags: JoinFlags,
  world: World,
): Promise<ExitCode> {
  const { keepManifests, manifestText, versionsIn, versionsOf } =
    await import('../../node/index.ts');
  const { openManifest } = await import('../../wire/index.ts');
  const home = await lookAtOwnHome(flags, world);
  const files = await Promise.all(names.map(readNamed));
  // Each by itself first, so that a bad one is named.
  for (const file of files) {
    await ofFile(file, 'signed version or invitation', (bytes) =>
      versionsIn([bytes], world.dateMs()),
    );
  }
  const invited = home.manifests.length === 0 ? await versionsOf(home) : [];
  const given = versionsIn(
    [...invited, ...files].map(({ bytes }) => bytes),
    world.dateMs(),
  );
  const all = { name: names.join(', '), bytes: new Uint8Array() };
  const manifests = await ofFile(all, 'chain of signed versions', () =>
    keepManifests(home, given, 'signed'),
  );
  const newest = manifests.at(-1) as SignedManifest;
  const before = manifests.at(-2) ?? null;
  const { name, version } = newest.manifest;
  const text = `${manifestText(openManifest(newest.bytes), before)}
${home.id} has version ${version} of ${name} in ${home.folder}.
Next: annulus preflight, then annulus start
`;
  tell(world, flags, text, {
    ...{ id: home.id, home: home.folder, name, version },
    ...{ consortium: newest.cid, digest: newest.digest },
  });
  return exitCodes.done;
}
