/** Range checks of this room's own settings; the key they name is found again in the file. */
import { AnnulusError } from './errors.ts';

interface OutOfRange {
  readonly code: 'bad_setting';
  readonly key: string;
}

/** A setting out of its range; becomes a ConfigError with file and line. */
export class SettingError extends AnnulusError<OutOfRange> {
  constructor(key: string, expected: string, came: unknown) {
    super({ code: 'bad_setting', key }, `expected ${expected}, got ${String(came)}`);
  }
}

/** @throws {SettingError} unless `value` is an integer of [low, high]. */
export function checkInteger(key: string, value: number, low: number, high: number): void {
  if (!Number.isInteger(value) || value < low || value > high) {
    throw new SettingError(key, `a whole number from ${low} to ${high}`, value);
  }
}

/** @throws {SettingError} unless low ≤ `value` ≤ high. */
export function checkNumber(key: string, value: number, low: number, high: number): void {
  if (!(value >= low && value <= high)) {
    throw new SettingError(key, `a number from ${low} to ${high}`, value);
  }
}

/** @throws {SettingError} unless `value` is one of `choices`. */
export function checkChoice(key: string, value: string, choices: readonly string[]): void {
  if (!choices.includes(value)) {
    throw new SettingError(key, choices.join(' or '), `"${value.slice(0, 60)}"`);
  }
}
