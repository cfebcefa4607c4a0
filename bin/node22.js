/**
 * Where the Node is that came with the package (docs/decisions/001-node-22-comes-with-the-package.md), and whether a Node is new
 * enough. Plain JavaScript that any Node reads: it is what starts everything else.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** @param {string} version of Node, as `process.versions.node` */
export function isNewEnough(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 22 || (major === 22 && minor >= 12);
}

/**
 * The program, or undefined when npm did not install it. npm 9 puts the package there, but no link to it into `.bin`.
 *
 * @param {string} root folder of this package
 * @returns {string | undefined}
 */
export function nodeOfPackage(root) {
  const system = `${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
  const program = process.platform === 'win32' ? 'node.exe' : join('bin', 'node');
  // The packages of the system lie in this package's own folder, or beside it where it was installed.
  return [join(root, 'node_modules'), join(root, '..')]
    .flatMap((modules) => [
      join(modules, '.bin', 'node'),
      join(modules, `node-${system}`, program),
      join(modules, `node-bin-${system}`, program),
    ])
    .find((path) => existsSync(path));
}
