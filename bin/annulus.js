#!/usr/bin/env node
/**
 * The command. Any Node may start this file; the program itself needs Node 22.12, which the
 * package brings along (docs/decisions/001-node-22-comes-with-the-package.md).
 */
import { spawnSync } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const bin = realpathSync(fileURLToPath(import.meta.url));
const root = dirname(dirname(bin));

if (isNewEnough(process.versions.node)) {
  await start();
} else {
  restart();
}

async function start() {
  const main = join(root, 'dist', 'src', 'cli', 'main.js');
  if (!existsSync(main)) fail('this checkout is not built yet; run: npm run build');
  await import(new URL('../dist/src/cli/main.js', import.meta.url).href);
}

/** Runs this file again by the Node that npm installed beside it. */
function restart() {
  const node = [join(root, 'node_modules', '.bin', 'node'), join(root, '..', '.bin', 'node')].find(
    (path) => existsSync(path),
  );
  if (node === undefined || process.env['ANNULUS_RESTARTED'] === '1') {
    fail(`needs Node 22.12 or newer; this is Node ${process.versions.node}`);
  }
  const result = spawnSync(node, [bin, ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: { ...process.env, ANNULUS_RESTARTED: '1' },
  });
  process.exitCode = result.status ?? 1;
}

/** @param {string} version */
function isNewEnough(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 22 || (major === 22 && minor >= 12);
}

/** @param {string} line */
function fail(line) {
  console.error(`annulus: ${line}`);
  process.exit(2);
}
