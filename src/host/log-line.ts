/** One log line for people: time, level, name, message, facts as `key=value`. Never more than one line, whatever peers send. */
import { printableLine, type LogLevel } from '../base/index.ts';

const order: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/** Whether `level` is `least` or worse. */
export function isAtLeast(level: LogLevel, least: LogLevel): boolean {
  return order.indexOf(level) >= order.indexOf(least);
}

/** The line with its line feed. */
export function logLine(
  level: LogLevel,
  name: string | null,
  message: string,
  facts: Readonly<Record<string, string | number>>,
): string {
  const parts = Object.entries(facts).map(([key, value]) => `${key}=${String(value)}`);
  const head = [new Date().toISOString(), level.padEnd(5), ...(name === null ? [] : [name])];
  return `${printableLine([...head, message, ...parts].join(' '))}\n`;
}
