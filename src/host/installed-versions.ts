/** Which versions run: this package's and those of the libraries that results depend on. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const libraries = { libp2p: 'libp2p', tfjs: '@tensorflow/tfjs' } as const;

/** By short name: `annulus`, `node`, `libp2p`, `tfjs`. */
export async function installedVersions(): Promise<Record<string, string>> {
  const here = fileURLToPath(new URL('.', import.meta.url));
  const root = await rootOf(here);
  const versions: Record<string, string> = {
    annulus: await versionIn(root),
    node: process.versions.node,
  };
  const { resolve } = createRequire(import.meta.url);
  for (const [name, library] of Object.entries(libraries)) {
    versions[name] = await versionIn(await rootOf(resolve(library)));
  }
  return versions;
}

/** The nearest folder above with a package.json that has a version. */
async function rootOf(path: string): Promise<string> {
  for (let folder = path; ; folder = join(folder, '..')) {
    const text = await readFile(join(folder, 'package.json'), 'utf8').catch(() => null);
    if (text !== null && 'version' in (JSON.parse(text) as object)) return folder;
    if (join(folder, '..') === folder) return folder;
  }
}

async function versionIn(folder: string): Promise<string> {
  const text = await readFile(join(folder, 'package.json'), 'utf8').catch(() => '{}');
  return (JSON.parse(text) as { version?: string }).version ?? 'unknown';
}
