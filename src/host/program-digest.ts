/** Digest of the program that runs: its own files, so that a round of another program is told apart. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { utf8, type Digest } from '../base/index.ts';
import { digestOf, HashStream, sha256 } from '../crypto/index.ts';

/** SHA-256 over names and digests of all modules beside and below this room, and of the kernels. */
export async function programDigest(): Promise<Digest> {
  const source = fileURLToPath(new URL('..', import.meta.url));
  const ending = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
  const names = (await readdir(source, { recursive: true }))
    .filter((name) => name.endsWith(ending) || name.endsWith('.wasm'))
    .sort();
  const hash = new HashStream();
  for (const name of names) {
    hash.update(utf8(`${name}\n`)).update(sha256(await readFile(join(source, name))));
  }
  return digestOf(utf8(hash.digest()));
}
