/** How urgent a thread is to the operating system, beside the others of its process. */
import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';

/**
 * Makes the calling thread, and the threads that it starts from now on, give way to those of a lower niceness (0 to 19). On Linux
 * only, where each thread has one of its own; elsewhere, and where the system refuses, nothing happens. Returns whether it did.
 */
export function makeThreadNice(niceness: number): boolean {
  if (niceness === 0 || process.platform !== 'linux') return false;
  try {
    // "1234/task/1240": read in this thread, it names this thread.
    const thread = Number(/\/task\/(\d+)$/.exec(readlinkSync('/proc/thread-self'))?.[1]);
    setPriority(thread, niceness);
    return true;
  } catch {
    return false;
  }
}
