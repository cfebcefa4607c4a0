/**
 * Compiles `src/compute/kernels/assembly` into `build/kernels.wasm`: imported memory, no data of its own (the
 * heap belongs to TF.js), relaxed SIMD.
 */
import { mkdirSync, renameSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

interface Compiler {
  main(argv: readonly string[]): Promise<{ error: Error | null; stderr: { toString(): string } }>;
}

// Named by a variable: the package's own types redefine Array, string and Math for the whole program.
const compiler = ['assemblyscript', 'asc'].join('/');
const { default: asc } = (await import(compiler)) as { default: Compiler };

const root = fileURLToPath(new URL('..', import.meta.url));
mkdirSync(`${root}build`, { recursive: true });
// Written beside and renamed, so that a test running meanwhile never loads half a file.
const { error, stderr } = await asc.main([
  `${root}src/compute/kernels/assembly/index.ts`,
  ...['--outFile', `${root}build/kernels.new.wasm`],
  ...['-O3', '--converge', '--noAssert', '--runtime', 'stub', '--importMemory'],
  ...['--enable', 'simd', '--enable', 'relaxed-simd', '--use', 'abort='],
  ...process.argv.slice(2),
]);
if (error !== null) {
  console.error(stderr.toString());
  throw error;
}
renameSync(`${root}build/kernels.new.wasm`, `${root}build/kernels.wasm`);
