/** What the kernels are compiled with, and whether they are: as `annulus doctor` shows it. */
import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from './files.ts';

export interface BuildTools {
  /** First line of the C++ compiler's `--version`; null without one. */
  readonly compiler: string | null;
  /** Compiled kernels in `build/`, with their sizes. */
  readonly kernels: readonly { readonly file: string; readonly bytes: number }[];
}

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
  const folder = join(packageRoot, 'build');
  try {
    return readdirSync(folder)
      .filter((file) => /^kernels\S*\.(wasm|node)$/.test(file))
      .map((file) => ({ file, bytes: statSync(join(folder, file)).size }));
  } catch {
    return [];
  }
}
