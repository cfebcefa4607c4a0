/** Where a passphrase comes from: a file, the environment, systemd, or a question. Never from the command line, which all can read. */
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fromUtf8 } from '../base/index.ts';
import { CryptoError } from '../crypto/index.ts';
import { usageError } from './errors.ts';
import { readInput } from './files.ts';
import type { Terminal } from './terminal.ts';
import type { World } from './world.ts';

/** Which of them: that of the node's keys, of the organisation's key, or of a backup. */
export type PassphraseOf = 'node' | 'org' | 'backup';

/** Flags that say where passphrases are. `passphrase` and `orgPassphrase` are false after `--no-…`. */
export interface PassphraseFlags {
  readonly passphraseFile?: string;
  readonly passphrase?: boolean;
  readonly orgPassphraseFile?: string;
  readonly orgPassphrase?: boolean;
}

const lengthMin = 12;
const triesMax = 3;
const fileBytesMax = 4096;
const names = {
  node: {
    what: "the node's keys",
    flag: '--passphrase-file',
    bare: '--no-passphrase',
    variable: 'ANNULUS_PASSPHRASE',
    credential: 'annulus-passphrase',
  },
  org: {
    what: "the organisation's key",
    flag: '--org-passphrase-file',
    bare: '--no-org-passphrase',
    variable: 'ANNULUS_ORG_PASSPHRASE',
    credential: 'annulus-org-passphrase',
  },
  backup: {
    what: 'the backup',
    flag: '--passphrase-file',
    bare: '--no-passphrase',
    variable: 'ANNULUS_BACKUP_PASSPHRASE',
    credential: 'annulus-backup-passphrase',
  },
} as const;

/**
 * The passphrase that opens existing keys.
 *
 * @throws {CliError} 'usage' when there is none to be had
 */
export async function passphraseToOpen(
  of: PassphraseOf,
  flags: PassphraseFlags,
  world: World,
): Promise<string> {
  const given = await givenPassphrase(of, flags, world);
  if (given !== null) return given;
  if (world.terminal === null) throw noPassphrase(of, false);
  return world.terminal.ask(`Passphrase of ${names[of].what}: `, true);
}

/**
 * What a passphrase opens. A wrong one that was typed can be typed again, twice; where it came from a file or the environment
 * there is no second try.
 *
 * @param where the file that it opens, for the message
 * @throws {CliError} 'usage' when there is none to be had, or it is wrong; what else `open` throws
 */
export async function openWithPassphrase<T>(
  of: PassphraseOf,
  where: string,
  flags: PassphraseFlags,
  world: World,
  open: (passphrase: string) => T | Promise<T>,
): Promise<T> {
  const isTyped = (await givenPassphrase(of, flags, world)) === null;
  for (let left = isTyped ? triesMax : 1; ; left--) {
    const passphrase = await passphraseToOpen(of, flags, world);
    try {
      return await open(passphrase);
    } catch (error) {
      if (!(error instanceof CryptoError) || error.code !== 'wrong_passphrase') throw error;
      if (left > 1) {
        world.err('That is not the passphrase.\n');
        continue;
      }
      throw usageError(
        `${where}: the passphrase does not open it: expected the one that was given when it was made; without it there is only a backup, or new keys`,
        error,
      );
    }
  }
}

/**
 * The passphrase for new keys; null when they are to be bare.
 *
 * @throws {CliError} 'usage' when there is none to be had, or it is too short; one that is typed can be typed again
 */
export async function passphraseToMake(
  of: PassphraseOf,
  flags: PassphraseFlags,
  world: World,
): Promise<string | null> {
  const isBare = (of === 'org' ? flags.orgPassphrase : flags.passphrase) === false;
  const given = await givenPassphrase(of, flags, world);
  const { bare, flag } = names[of];
  if (isBare) {
    if (given === null || fileOf(of, flags) === undefined) return null;
    throw usageError(`${bare} and ${flag}: give one of them`);
  }
  if (given !== null) return longEnough(of, given);
  if (world.terminal === null) throw noPassphrase(of, true);
  return typedTwice(of, world, world.terminal);
}

/** Asks until one is long enough and typed twice alike. @throws {CliError} 'usage' when the third try is not either */
async function typedTwice(of: PassphraseOf, world: World, terminal: Terminal): Promise<string> {
  for (let left = triesMax; ; left--) {
    const first = await terminal.ask(`New passphrase for ${names[of].what}: `, true);
    const isShort = first.length < lengthMin;
    if (!isShort && (await terminal.ask('The same again: ', true)) === first) return first;
    const reason = isShort ? tooShort(of, first) : 'the two passphrases differ';
    if (left === 1) throw usageError(`${reason}; nothing was written, start again`);
    world.err(`${reason}; once more, please\n`);
  }
}

/** What file, environment or systemd give, in this order; null when none does. */
export async function givenPassphrase(
  of: PassphraseOf,
  flags: PassphraseFlags,
  { env, err }: World,
): Promise<string | null> {
  const { variable, credential } = names[of];
  const file = fileOf(of, flags) ?? env[`${variable}_FILE`];
  if (file !== undefined) return fromFile(file, err);
  const text = env[variable];
  if (text !== undefined) return text;
  const folder = env.CREDENTIALS_DIRECTORY;
  if (folder === undefined || !existsSync(join(folder, credential))) return null;
  return fromFile(join(folder, credential), err);
}

function fileOf(of: PassphraseOf, flags: PassphraseFlags): string | undefined {
  return of === 'org' ? flags.orgPassphraseFile : flags.passphraseFile;
}

/** The first line of a file. */
async function fromFile(path: string, err: (text: string) => void): Promise<string> {
  const bytes = await readInput(path, fileBytesMax);
  const { mode } = await stat(path);
  // Told and not refused: where containers put secrets, everybody inside may read them.
  if (process.platform !== 'win32' && (mode & 0o007) !== 0) {
    err(`annulus: ${path} can be read by everybody on this machine: chmod 600 ${path}\n`);
  }
  try {
    const [line = ''] = fromUtf8(bytes).split(/\r?\n/);
    if (line !== '') return line;
  } catch (error) {
    throw usageError(`${path}: expected a passphrase in UTF-8`, error);
  }
  throw usageError(`${path}: expected a passphrase in the first line, which is empty`);
}

function longEnough(of: PassphraseOf, passphrase: string): string {
  if (passphrase.length >= lengthMin) return passphrase;
  throw usageError(tooShort(of, passphrase));
}

function tooShort(of: PassphraseOf, { length }: string): string {
  return `the passphrase for ${names[of].what} has ${length} characters: expected at least ${lengthMin}, for instance four words`;
}

function noPassphrase(of: PassphraseOf, isNew: boolean): Error {
  const { what, flag, variable, credential, bare } = names[of];
  const also = isNew ? `, or leave the keys bare with ${bare}` : '';
  return usageError(
    `no passphrase for ${what}, and no terminal to ask: give ${flag} FILE, ${variable}_FILE, ${variable} or the systemd credential ${credential}${also}`,
  );
}
