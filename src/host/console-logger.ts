/** The log on the terminal. */
import type { Logger, LogLevel } from '../base/index.ts';
import { isAtLeast, logLine } from './log-line.ts';

/** Writes lines at `least` or above to standard error; `name` tells nodes of one terminal apart. */
export function consoleLogger(least: LogLevel, name?: string): Logger {
  return {
    log(level, message, facts = {}): void {
      if (isAtLeast(level, least))
        process.stderr.write(logLine(level, name ?? null, message, facts));
    },
  };
}
