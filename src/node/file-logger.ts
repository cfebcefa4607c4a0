/** The log of a node in a file of its folder. What cannot be written is lost: a log never stops a peer. */
import { createWriteStream, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Logger, LogLevel } from '../base/index.ts';
import { isAtLeast, logLine } from './log-line.ts';

/** Appends lines at `least` or above to the file at `path`, until closed. */
export function fileLogger(path: string, least: LogLevel): Logger & { readonly close: () => void } {
  mkdirSync(dirname(path), { recursive: true });
  const stream = createWriteStream(path, { flags: 'a', mode: 0o600 });
  stream.on('error', () => undefined);
  return {
    log(level, message, facts = {}): void {
      if (isAtLeast(level, least)) stream.write(logLine(level, null, message, facts));
    },
    close(): void {
      stream.end();
    },
  };
}
