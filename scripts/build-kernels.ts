/**
 * Compiles `src/compute/kernels/assembly` into `build/kernels.wasm`: imported memory, no data of its own (the
 * heap belongs to TF.js), relaxed SIMD; and without relaxed SIMD into `build/kernels-plain.wasm`.
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
await build('kernels', ['--enable', 'relaxed-simd']);
await build('kernels-plain', []);

async function build(name: string, features: readonly string[]): Promise<void> {
  // Written beside and renamed, so that a test running meanwhile never loads half a file.
  const { error, stderr } = await asc.main([
    `${root}src/compute/kernels/assembly/index.ts`,
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
