/** Settings on the command line. */
import type { Override } from '../config/index.ts';
import { usageError } from './errors.ts';

/** `key=value` of `--set`. @throws {CliError} 'usage' */
export function settingOf(text: string): Override {
  const [, key, value] = /^([A-Za-z][\w.]*)=(.+)$/s.exec(text) ?? [];
  if (key === undefined || value === undefined) {
    throw usageError(`--set: expected key=value, got "${text}"`);
  }
  return { key, text: value, source: '--set' };
}
