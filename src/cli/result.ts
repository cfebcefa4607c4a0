/** How a command tells what it did: the flag, and the two forms. */
import { Option } from 'commander';
import type { World } from './world.ts';

/** A flag for how results are written. */
export interface FormatFlags {
  readonly format: string;
}

/** Tells a result: text for people, or one JSON document. */
export function tell(world: World, { format }: FormatFlags, text: string, data: object): void {
  world.out(format === 'json' ? `${JSON.stringify(data)}\n` : text);
}

/** `--format text|json`. */
export function formatOption(what = 'how to write the result'): Option {
  return new Option('--format <kind>', what).choices(['text', 'json']).default('text');
}
