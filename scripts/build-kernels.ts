/**
 * Compiles `src/compute/heap/wasm/assembly` into `build/kernels.wasm`: imported memory, no data of its own (the
 * heap belongs to TF.js), relaxed SIMD; and without relaxed SIMD into `build/kernels-plain.wasm`. Each once more for a
 * heap that threads share, `-shared.wasm`, with TF.js's own module for such a heap.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

interface Compiler {
  main(argv: readonly string[]): Promise<{ error: Error | null; stderr: { toString(): string } }>;
}

// Named by a variable: the package's own types redefine Array, string and Math for the whole program.
const compiler = ['assemblyscript', 'asc'].join('/');
const { default: asc } = (await import(compiler)) as { default: Compiler };

const root = fileURLToPath(new URL('..', import.meta.url));
mkdirSync(`${root}build`, { recursive: true });
const shared = ['--enable', 'threads', '--sharedMemory', '--maximumMemory', '65536'];
for (const [name, features] of [
  ['kernels', ['--enable', 'relaxed-simd']],
  ['kernels-plain', []],
] as const) {
  await build(name, features);
  await build(`${name}-shared`, [...features, ...shared]);
}
shareTfjs();

async function build(name: string, features: readonly string[]): Promise<void> {
  // Written beside and renamed, so that a test running meanwhile never loads half a file.
  const { error, stderr } = await asc.main([
    `${root}src/compute/heap/wasm/assembly/index.ts`,
    ...['--outFile', `${root}build/${name}.new.wasm`],
    ...['-O3', '--converge', '--noAssert', '--runtime', 'stub', '--importMemory'],
    ...['--enable', 'simd', ...features, '--use', 'abort='],
    ...process.argv.slice(2),
  ]);
  if (error !== null) {
    console.error(stderr.toString());
    throw error;
  }
  renameSync(`${root}build/${name}.new.wasm`, `${root}build/${name}.wasm`);
}

/**
 * TF.js's single-threaded module with its memory declared shared: one flag of the memory section. Its own threaded
 * module starts eight workers that we have no work for.
 */
function shareTfjs(): void {
  const source = createRequire(import.meta.url).resolve(
    '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm',
  );
  const bytes = new Uint8Array(readFileSync(source));
  const flags = memoryFlags(bytes);
  // 1 is "has a maximum", 2 is "shared", which needs one.
  if (bytes[flags] !== 1) throw new Error('the TF.js module has one memory with a maximum');
  bytes[flags] = 3;
  if (!WebAssembly.validate(bytes)) throw new Error('the TF.js module is valid with shared memory');
  writeFileSync(`${root}build/tfjs-shared.new.wasm`, bytes);
  renameSync(`${root}build/tfjs-shared.new.wasm`, `${root}build/tfjs-shared.wasm`);
}

/** Where the limits of the only memory begin. */
function memoryFlags(bytes: Uint8Array): number {
  const memorySection = 5;
  for (let at = 8; at < bytes.length;) {
    const id = bytes[at++];
    let size = 0;
    for (let shift = 0, more = true; more; shift += 7) {
      const byte = bytes[at++] ?? 0;
      size |= (byte & 127) << shift;
      more = byte > 127;
    }
    // The section holds the number of memories, which is 1, and the limits of each.
    if (id === memorySection) return at + 1;
    at += size;
  }
  throw new Error('the TF.js module has a memory');
}
