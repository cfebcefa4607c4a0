/**
 * Builds the package: kernels, then TypeScript to `dist/`, then the command's link in
 * `node_modules/.bin`, so that `npx annulus` runs this checkout without asking a registry.
 * Plain node modules only: it runs inside `npm ci`, before anything of ours is compiled.
 */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const binFolder = join(root, 'node_modules', '.bin');
const sourceFolders = ['src', 'test', 'bench', 'scripts'];

function main(): void {
  if (isBuiltForNpx()) return;
  const startMs = performance.now();
  const parts = [
    ...(buildKernels() ? ['kernels', buildNative()] : []),
    `${String(compile())} modules in dist/`,
    `command ${linkCommand()}`,
  ];
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  console.log(`annulus: built ${parts.join(', ')} in ${seconds} s (Node ${process.versions.node})`);
}

/**
 * npm 11 links a checkout into its cache when `npx annulus` runs there for the first time, and prepares it again.
 * `npm ci` has built it: a second build would only keep the user waiting, and, interrupted, leave a
 * cache in which npx finds nothing any more.
 */
function isBuiltForNpx(): boolean {
  const outputs = [
    join(root, 'dist', 'src', 'cli', 'main.js'),
    join(root, 'build', 'kernels.wasm'),
  ];
  return process.env.npm_command === 'exec' && outputs.every((file) => existsSync(file));
}

/** False when this checkout has no kernels to build. */
function buildKernels(): boolean {
  const script = join(root, 'scripts', 'build-kernels.ts');
  if (!existsSync(script)) return false;
  run('kernels', [...process.execArgv, script]);
  return true;
}

/** Which native kernels there are now; without a compiler the portable ones serve. */
function buildNative(): string {
  const script = join(root, 'scripts', 'build-native.ts');
  const args = [...process.execArgv, script];
  const { stdout, status } = spawnSync(process.execPath, args, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return status === 0 ? stdout.trim() : 'no native kernels';
}

/** How many modules `dist/` holds afterwards. */
function compile(): number {
  // The kernels' sources are AssemblyScript: tsconfig.json leaves them out too.
  const sources = sourceFolders
    .flatMap((folder) => filesUnder(join(root, folder), '.ts'))
    .filter(
      (file) =>
        !relative(root, file).startsWith(join('src', 'compute', 'heap', 'wasm', 'assembly')),
    );
  const outputs = new Set(
    sources.map((file) => join(root, 'dist', relative(root, file)).replace(/\.ts$/, '.js')),
  );
  // A test that was renamed must not go on running from its old output.
  for (const folder of sourceFolders) {
    for (const file of filesUnder(join(root, 'dist', folder), '.js')) {
      if (outputs.has(file)) continue;
      for (const suffix of ['.js', '.js.map', '.d.ts']) {
        rmSync(file.replace(/\.js$/, suffix), { force: true });
      }
    }
  }
  // tsc trusts its notes of the last build, also when somebody deleted the result.
  if ([...outputs].some((file) => !existsSync(file))) {
    rmSync(join(root, 'node_modules', '.cache', 'tsc.tsbuildinfo'), { force: true });
  }
  run('tsc', [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', root]);
  return outputs.size;
}

/** Where the command lies, relative to the project. */
function linkCommand(): string {
  const target = join(root, 'bin', 'annulus.js');
  const link = join(binFolder, 'annulus');
  if (!existsSync(binFolder)) return 'bin/annulus.js';
  chmodSync(target, 0o755);
  rmSync(link, { force: true });
  if (process.platform === 'win32') {
    mkdirSync(binFolder, { recursive: true });
    writeFileSync(`${link}.cmd`, '@node "%~dp0\\..\\..\\bin\\annulus.js" %*\r\n');
  } else {
    symlinkSync(relative(binFolder, target), link);
  }
  return relative(root, link);
}

function filesUnder(folder: string, suffix: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(suffix))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !(suffix === '.ts' && file.endsWith('.d.ts')));
}

function run(what: string, args: readonly string[]): void {
  const result = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
  if (result.status !== 0) {
    console.error(`annulus: ${what} failed (exit ${String(result.status ?? result.signal)})`);
    process.exit(1);
  }
}

main();
