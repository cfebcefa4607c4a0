#!/usr/bin/env node
/**
 * The command. Any Node may start this file; the program itself needs Node 22.12, which the
 * package brings along (docs/decisions/001-node-22-comes-with-the-package.md).
 */
import { spawn } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isNewEnough, nodeOfPackage } from './node22.js';

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

/**
 * Runs this file again by the Node that npm installed beside it, and stands for it: signals are passed on, and its end is
 * ours. The channel between us tells it when we are killed, so that no orphan goes on.
 */
function restart() {
  const node = nodeOfPackage(root);
  if (node === undefined || process.env['ANNULUS_RESTARTED'] === '1') {
    fail(
      `needs Node 22.12 or newer; this is Node ${process.versions.node}, and npm did not install the one that comes with the package: install Node 22, or run npm ci again`,
    );
  }
  const child = spawn(node, [bin, ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, ANNULUS_RESTARTED: '1' },
  });
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => fail(`${node}: ${error.message}`));
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0);
    if (signal === null) return;
    // Who started us sees the same signal.
    for (const heard of signals) process.removeAllListeners(heard);
    process.kill(process.pid, signal);
  });
}

/** @param {string} line */
function fail(line) {
  console.error(`annulus: ${line}`);
  process.exit(2);
}
