/**
 * What `npm ci` runs at its end: builds the package with the Node that came with it. Plain JavaScript, because the Node of the
 * machine may be one that reads no TypeScript.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isNewEnough, nodeOfPackage } from '../bin/node22.js';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const came = nodeOfPackage(root);
const node = came ?? (isNewEnough(process.versions.node) ? process.execPath : undefined);
if (node === undefined) {
  console.error(
    `annulus: needs Node 22.12 or newer; this is Node ${process.versions.node}, and npm did not install the one that comes with the package. Install Node 22, then run npm ci again`,
  );
  process.exit(1);
}
// `npm run` and `npx` find Node by this link, which npm 9 leaves out.
const link = join(root, 'node_modules', '.bin', 'node');
if (came !== undefined && process.platform !== 'win32' && !existsSync(link)) {
  mkdirSync(dirname(link), { recursive: true });
  symlinkSync(relative(dirname(link), came), link);
}
const flags = ['--experimental-strip-types', '--disable-warning=ExperimentalWarning'];
const built = spawnSync(node, [...flags, join(root, 'scripts', 'build.ts')], { stdio: 'inherit' });
process.exit(built.status ?? 1);
