/**
 * Compiles `src/compute/heap/native` into `build/kernels-<variant>.node`, for the instruction sets of this machine, or for
 * the variants named as arguments. Nothing here is fatal: without a compiler, or where it fails, the portable kernels serve.
 * What it prints on standard output says which path was taken.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const avx512 = [
  ...['-mavx2', '-mfma', '-mavx512f', '-mavx512vl', '-mavx512bw', '-mavx512dq'],
  '-mprefer-vector-width=512',
];

/** Flags of each variant, best first; `macro` is what the compiler defines where the machine has it. */
const variants: readonly { name: string; macro: string; flags: readonly string[] }[] = [
  { name: 'avx512bf16', macro: '__AVX512BF16__', flags: [...avx512, '-mavx512bf16'] },
  { name: 'avx512', macro: '__AVX512DQ__', flags: avx512 },
  { name: 'avx2', macro: '__AVX2__', flags: ['-mavx2', '-mfma'] },
  { name: 'x64', macro: '__x86_64__', flags: [] },
  { name: 'arm64', macro: '__aarch64__', flags: [] },
];

type Variant = (typeof variants)[number];

const root = fileURLToPath(new URL('..', import.meta.url));
const sources = join(root, 'src', 'compute', 'heap', 'native');
const build = join(root, 'build');

async function main(): Promise<void> {
  const compiler = findCompiler();
  if (compiler === null) {
    console.log('no C++ compiler: portable kernels only');
    return;
  }
  const wanted = process.argv.slice(2);
  const native = macrosOf(compiler);
  const chosen =
    wanted.length > 0
      ? variants.filter(({ name }) => wanted.includes(name))
      : variants.filter(({ macro }) => native.includes(` ${macro} `)).slice(0, 1);
  const built: string[] = [];
  for (const variant of chosen) {
    const failure = await compileVariant(compiler, variant);
    if (failure === null) built.push(variant.name);
    else console.error(`annulus: native kernels ${variant.name} do not compile: ${failure}`);
  }
  if (built.length === 0) {
    console.log('portable kernels only');
    return;
  }
  console.log(`native kernels ${built.join(', ')}`);
}

function findCompiler(): string | null {
  const names = [process.env.CXX ?? '', 'g++', 'clang++', 'c++'].filter((name) => name !== '');
  return names.find((name) => spawnSync(name, ['--version']).status === 0) ?? null;
}

/** What the compiler defines for the very processor it runs on, as one text. */
function macrosOf(compiler: string): string {
  const args = ['-march=native', '-dM', '-E', '-x', 'c++', '-'];
  const { stdout } = spawnSync(compiler, args, { input: '', encoding: 'utf8' });
  return stdout;
}

/** Null, or why it failed. */
async function compileVariant(compiler: string, variant: Variant): Promise<string | null> {
  const objects = join(build, 'native', variant.name);
  rmSync(objects, { recursive: true, force: true });
  mkdirSync(objects, { recursive: true });
  const common = [...compileFlags(), `-DANNULUS_${variant.name.toUpperCase()}`];
  const files = readdirSync(sources).filter((file) => file.endsWith('.cpp'));
  // The file that looks at the processor runs on every one, and comes first.
  files.sort((a, b) => Number(b === 'addon.cpp') - Number(a === 'addon.cpp'));
  const queue = [...files];
  const failures: string[] = [];
  const worker = async (): Promise<void> => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      const flags = file === 'addon.cpp' ? common : [...common, ...variant.flags];
      const output = join(objects, `${file}.o`);
      const failure = await run(compiler, [...flags, '-c', join(sources, file), '-o', output]);
      if (failure !== null) failures.push(failure);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  if (failures[0] !== undefined) return failures[0];
  return link(
    compiler,
    files.map((file) => join(objects, `${file}.o`)),
    variant.name,
  );
}

function compileFlags(): string[] {
  const { include_dir: headers } = createRequire(import.meta.url)('node-api-headers') as {
    include_dir: string;
  };
  return [
    ...['-std=c++17', '-O3', '-fPIC', '-fvisibility=hidden'],
    ...['-ffp-contract=fast', '-fno-math-errno'],
    // C++ names vectors in parameters by the instruction set; within one variant all agree.
    ...['-Wall', '-Wno-psabi', `-I${headers}`],
  ];
}

function targetOf(name: string): string {
  return join(build, `kernels-${name}.node`);
}

/** Null, or why it failed. */
async function link(
  compiler: string,
  inputs: readonly string[],
  name: string,
): Promise<string | null> {
  // Written beside and renamed, so that a process running meanwhile never loads half a file.
  const target = targetOf(name);
  const failure = await run(compiler, [
    ...['-shared', '-pthread'],
    ...(process.platform === 'darwin' ? ['-Wl,-undefined,dynamic_lookup'] : []),
    ...inputs,
    ...['-o', `${target}.new`],
  ]);
  if (failure === null) renameSync(`${target}.new`, target);
  return failure;
}

/** Null, or the first line of the error. */
function run(command: string, args: readonly string[]): Promise<string | null> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.on('error', (error) => {
      resolve(error.message);
    });
    child.on('close', (code) => {
      const line =
        stderr.split('\n').find((text) => text.includes('error')) ?? `exit ${String(code)}`;
      resolve(code === 0 ? null : line);
    });
  });
}

await main();
