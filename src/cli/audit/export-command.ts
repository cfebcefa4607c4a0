/** `annulus audit export`: a verified log with everything that another person needs to check it, in one folder. */
import { createPublicKey } from 'node:crypto';
import { copyFile, mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { nodeLogPrefix } from '../../audit/index.ts';
import { utf8 } from '../../base/index.ts';
import { digestOf } from '../../crypto/index.ts';
import { packageFile } from '../../host/index.ts';
import { CliError, exitCodes, usageError, type ExitCode } from '../errors.ts';
import { openOwnHome } from '../own-home.ts';
import type { PassphraseFlags } from '../passphrase.ts';
import { tell, type FormatFlags } from '../result.ts';
import type { World } from '../world.ts';
import { exportRound } from './export-round.ts';
import { oneLog, type OneLog } from './one-log.ts';

/** Flags, as typed. */
export interface ExportLogFlags extends FormatFlags, PassphraseFlags {
  readonly output: string;
  readonly copy?: string;
  /** With all that its reader needs to repeat this round, but for the keys. */
  readonly round?: string;
  readonly more?: readonly string[];
  /** Whose log key signs the list of files. */
  readonly home?: string;
}

/** Programs that check a log and share no code with this one. */
const checkers = ['verify_log.py', 'check_log.go', 'replay_round.py'] as const;

/** An Ed25519 public key in DER begins with this; the key's 32 bytes follow (RFC 8410). */
const spkiHead = Buffer.from('302a300506032b6570032100', 'hex');

/**
 * Writes log, checkers, a page that says how to use them, and the SHA-256 of every file; with a home also a signature of that
 * list by its log key. A log with findings is not exported.
 */
export async function exportLogCommand(
  folder: string,
  flags: ExportLogFlags,
  world: World,
): Promise<ExitCode> {
  const one = await oneLog(folder, flags.copy ?? null, world);
  if (!one.log.verdict.ok) {
    const text = `${one.folder}: a damaged log is not exported; "annulus audit verify" says what is wrong`;
    throw new CliError({ code: 'check_failed' }, text);
  }
  const home = flags.home === undefined ? null : await openOwnHome(flags, world);
  await mkdir(flags.output, { recursive: true });
  if ((await readdir(flags.output)).length > 0) {
    throw usageError(`--output ${flags.output}: expected an empty folder, or none`);
  }
  const sums: string[] = [];
  const write = async (name: string, bytes: Uint8Array): Promise<void> => {
    const path = join(flags.output, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, bytes);
    sums.push(`${digestOf(bytes)}  ${name}\n`);
  };
  for (const name of await one.directory.list()) {
    const bytes = await one.directory.read(name);
    if (bytes !== null) await write(`${logFolderOf(one)}/${name}`, bytes);
  }
  const { nodeLog } = one.node;
  const ownNames = (await nodeLog?.list()) ?? [];
  for (const name of ownNames) {
    const bytes = await nodeLog?.read(name);
    if (bytes != null) await write(nodeLogPrefix + name, bytes);
  }
  const { round } = flags;
  if (round !== undefined) {
    await exportRound(one, { text: round, folders: [folder, ...(flags.more ?? [])] }, write);
  }
  await write('CHECK.md', utf8(pageOf(one, home !== null, round ?? null, ownNames.length > 0)));
  for (const name of checkers)
    await copyFile(packageFile(`verify/${name}`), join(flags.output, name));
  const list = utf8(sums.join(''));
  await writeFile(join(flags.output, 'SHA256SUMS'), list);
  if (home !== null) {
    const { log } = home.keys;
    const key = createPublicKey({
      key: Buffer.concat([spkiHead, log.publicKey]),
      ...{ format: 'der', type: 'spki' },
    });
    await writeFile(join(flags.output, 'SHA256SUMS.sig'), log.signRaw(list));
    await writeFile(join(flags.output, 'signer.pem'), key.export({ format: 'pem', type: 'spki' }));
  }
  const { treeSize, root } = one.log.verdict;
  tell(
    world,
    flags,
    `${flags.output}: ${sums.length} files, a log of ${treeSize} entries, root ${root ?? 'none'}${home === null ? '' : `, signed by ${home.id}`}\n` +
      `${join(flags.output, 'CHECK.md')} says how to check it\n`,
    { folder: flags.output, files: sums.length, entries: treeSize, root, signed: home !== null },
  );
  return exitCodes.done;
}

/** Not `log`: a folder of that name is taken for part of a node's. */
function logFolderOf({ log }: OneLog): string {
  return `log-${log.verdict.keptBy ?? 'copy'}`;
}

function pageOf(one: OneLog, isSigned: boolean, round: string | null, hasOwn: boolean): string {
  const { log } = one;
  const place = logFolderOf(one);
  const { consortium, treeSize, root, keptBy } = log.verdict;
  const signature = `openssl pkeyutl -verify -rawin -pubin -inkey signer.pem -sigfile SHA256SUMS.sig -in SHA256SUMS\n`;
  return `# Log of the consortium ${consortium?.name ?? ''}

| what | value |
| --- | --- |
| consortium | \`${consortium?.cid ?? ''}\` |
| log | \`${consortium?.origin ?? ''}\`, the copy of ${keptBy ?? 'nobody'} |
| entries that a quorum has cosigned | ${treeSize} |
| root | \`${root ?? ''}\` |

Ask a hospital that you trust for the id of the consortium, and compare. Then, in this folder:

\`\`\`sh
sha256sum -c SHA256SUMS
${isSigned ? signature : ''}python3 verify_log.py ${place}${hasOwn ? ' node-log' : '         '}                         # Debian: python3-cryptography
GO111MODULE=off GOPATH=/usr/share/gocode go run check_log.go ${place}    # Debian: golang-go golang-golang-x-mod-dev
annulus audit verify . --consortium ${consortium?.cid ?? ''}
\`\`\`

${round === null ? '' : replayWords(place, round)}verify_log.py, check_log.go and replay_round.py share no code with Annulus. They came with this folder and are not in SHA256SUMS: read them (200 lines
each), or take them from a copy of the program that you trust.${isSigned ? ` signer.pem is a log key of the manifest, in\n${place}/manifest.json: compare it.` : ''}
`;
}

function replayWords(place: string, round: string): string {
  return `Round ${round} can be repeated with its updates in blobs/, once a member has given you their keys (annulus audit disclose):

\`\`\`sh
python3 replay_round.py ${place} blobs ${round} KEYS_FILE layout-of-round-${round}.json    # Debian: python3-numpy
annulus audit replay . ${round} --keys KEYS_FILE
\`\`\`

`;
}
