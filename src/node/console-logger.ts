/** Log lines for people: time, level, message, facts as `key=value`. */
import type { Logger, LogLevel } from '../base/index.ts';

const order: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/** Writes lines at `least` or above to standard error; `name` tells nodes of one terminal apart. */
export function consoleLogger(least: LogLevel, name?: string): Logger {
  return {
    log(level, message, facts = {}): void {
      if (order.indexOf(level) < order.indexOf(least)) return;
      const parts = Object.entries(facts).map(([key, value]) => `${key}=${String(value)}`);
      const head = [
        new Date().toISOString(),
        level.padEnd(5),
        ...(name === undefined ? [] : [name]),
      ];
      process.stderr.write(`${[...head, message, ...parts].join(' ').replace(/[\r\n]+/g, ' ')}\n`);
    },
  };
}
