/** `annulus audit get`: one entry, readable or as the very bytes that are hashed. */
import { writeFile } from 'node:fs/promises';
import { fromBase64, fromUtf8, printableText } from '../../base/index.ts';
import { exitCodes, usageError, type ExitCode } from '../errors.ts';
import type { World } from '../world.ts';
import { indexOf, oneLog, soundEntry } from './one-log.ts';

/** Flags, as typed. */
export interface GetFlags {
  readonly copy?: string;
  readonly raw?: string;
}

/** Prints entry `text`; with `--raw` writes its bytes to a file. */
export async function getCommand(
  folder: string,
  text: string,
  flags: GetFlags,
  world: World,
): Promise<ExitCode> {
  const index = indexOf('entry', text);
  const one = await oneLog(folder, flags.copy ?? null, world);
  const bytes = await soundEntry(one, index);
  if (flags.raw === undefined) {
    world.out(printableText(`${JSON.stringify(readable(bytes), null, 2)}\n`));
  } else {
    await writeFile(flags.raw, bytes, { flag: 'wx' }).catch((error: unknown) => {
      if (!isThere(error)) throw error;
      throw usageError(`--raw ${flags.raw ?? ''}: the file is there already`);
    });
    world.out(`${flags.raw}: ${bytes.byteLength} bytes of entry ${index}\n`);
  }
  return one.log.verdict.ok ? exitCodes.done : exitCodes.failed;
}

/** The JSON of a block; of a signed envelope with its payload taken out of base64. */
export function readable(bytes: Uint8Array): unknown {
  const entry = JSON.parse(fromUtf8(bytes)) as Record<string, unknown>;
  const payload = typeof entry.payload === 'string' ? fromBase64(entry.payload) : null;
  if (payload === null) return entry;
  return { ...entry, payload: JSON.parse(fromUtf8(payload)) as unknown };
}

function isThere(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EEXIST';
}
