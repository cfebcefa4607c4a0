/** How much a node's log may take of its disk. */
import { HostError } from './errors.ts';

/** Settings of the log in a node's folder. */
export interface LogSettings {
  /** Size at which a file of the log is followed by a new one, bytes, 4096..1000000000. A quiet month takes some MB. */
  readonly fileBytesMax: number;
  /** Files kept, the one being written among them, 1..1000; the oldest goes. */
  readonly filesMax: number;
}

/** 50 MB at most. */
export const logDefaults: LogSettings = Object.freeze({ fileBytesMax: 10_000_000, filesMax: 5 });

const ranges: Readonly<Record<keyof LogSettings, readonly [number, number]>> = {
  fileBytesMax: [4_096, 1_000_000_000],
  filesMax: [1, 1_000],
};

/** @throws {HostError} 'bad_setting' for a value out of range. */
export function validateLogSettings(settings: LogSettings): void {
  for (const [key, [min, max]] of Object.entries(ranges)) {
    const value = settings[key as keyof LogSettings];
    if (Number.isInteger(value) && value >= min && value <= max) continue;
    throw new HostError({ code: 'bad_setting', key, expected: `an integer from ${min} to ${max}` });
  }
}
