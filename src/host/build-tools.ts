/** What kernels are compiled with, and which of them are compiled. */
import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { packageFile } from './package-file.ts';

/** The compiler on this machine, and what the package's build left. */
export interface BuildTools {
  /** First line of the C++ compiler's `--version`; null without one. */
  readonly compiler: string | null;
  /** Compiled kernels in `build/`, with their sizes. */
  readonly kernels: readonly { readonly file: string; readonly bytes: number }[];
}

/** @param env `CXX` in it names the compiler to try first */
export function findBuildTools(env: Readonly<Record<string, string | undefined>>): BuildTools {
  const names = [env.CXX ?? '', 'g++', 'clang++', 'c++'].filter((name) => name !== '');
  const compiler = names.find((name) => versionOf(name) !== null) ?? null;
  return {
    compiler: compiler === null ? null : versionOf(compiler),
    kernels: builtKernels(),
  };
}

function versionOf(compiler: string): string | null {
  const { status, stdout } = spawnSync(compiler, ['--version'], { encoding: 'utf8' });
  return status === 0 ? (stdout.split('\n')[0] ?? compiler) : null;
}

function builtKernels(): { file: string; bytes: number }[] {
  const folder = packageFile('build');
  try {
    return readdirSync(folder)
      .filter((file) => /^kernels\S*\.(wasm|node)$/.test(file))
      .map((file) => ({ file, bytes: statSync(join(folder, file)).size }));
  } catch {
    return [];
  }
}
