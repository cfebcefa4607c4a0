/**
 * Preloaded into a node's process: on SIGUSR2 every thread collects its garbage and says what is left, and the main thread writes
 * it all into a file. The program itself knows nothing of it.
 */
import { renameSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { BroadcastChannel, isMainThread, threadId } from 'node:worker_threads';
import type { LiveMemory, ThreadMemory } from './live-memory.ts';

/** A worker answers when its present job is done, or not in time. */
const workersMs = 5_000;

function collected(): ThreadMemory {
  // The second one finds what the finalizers of the first let go.
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed: heap, external, arrayBuffers: buffers } = process.memoryUsage();
  return { thread: threadId, heap, external, buffers };
}

const asked = new BroadcastChannel('annulus-live-memory');
const answers = new BroadcastChannel('annulus-live-memory-answers');
if (isMainThread) {
  const said: ThreadMemory[] = [];
  answers.onmessage = (event): void => {
    said.push((event as unknown as { data: ThreadMemory }).data);
  };
  process.on('SIGUSR2', () => {
    void (async () => {
      said.length = 0;
      asked.postMessage(null);
      await pause(workersMs, undefined, { ref: false });
      const workers = said.toSorted((a, b) => a.thread - b.thread);
      const threads = [collected(), ...workers];
      const live: LiveMemory = { rss: process.memoryUsage.rss(), threads };
      const file = decodeURIComponent(new URL(import.meta.url).search.slice(1));
      writeFileSync(`${file}.new`, `${JSON.stringify(live)}\n`);
      renameSync(`${file}.new`, file);
    })();
  });
} else {
  asked.onmessage = (): void => {
    answers.postMessage(collected());
  };
}
asked.unref();
answers.unref();
