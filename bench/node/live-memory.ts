/** What the threads of a node's process hold once their garbage is collected: asked for by a bench, answered by `live-memory-preload.ts`. */
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { packageFile } from '../../src/host/index.ts';

/** What one thread still holds, bytes. */
export interface ThreadMemory {
  readonly thread: number;
  readonly heap: number;
  /** Memory outside the heap that objects hold; buffers are in it. */
  readonly external: number;
  readonly buffers: number;
}

/** Of a process. The first thread is the one with the network. A worker in the middle of a job is missing. */
export interface LiveMemory {
  /** What the process has of the machine, bytes. */
  readonly rss: number;
  readonly threads: readonly ThreadMemory[];
}

const fileName = 'live-memory.json';
const waitMs = 15_000;

/** Flags for Node with which the process of a home answers. */
export function liveFlags(home: string): readonly string[] {
  const preload = packageFile('bench/node/live-memory-preload.ts');
  const file = join(home, fileName);
  return ['--expose-gc', '--no-warnings', '--import', `${preload}?${encodeURIComponent(file)}`];
}

/** Null when it does not answer. */
export async function liveMemoryOf(child: ChildProcess, home: string): Promise<LiveMemory | null> {
  const read = (): string => {
    try {
      return readFileSync(join(home, fileName), 'utf8');
    } catch {
      return '';
    }
  };
  const before = read();
  child.kill('SIGUSR2');
  for (let waited = 0; waited < waitMs; waited += 500) {
    await pause(500);
    const after = read();
    if (after !== before) return JSON.parse(after) as LiveMemory;
  }
  return null;
}
