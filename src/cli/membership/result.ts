/** How a command of membership tells what it did. */
import type { World } from '../world.ts';

/** A flag for how results are written. */
export interface FormatFlags {
  readonly format: string;
}

/** Tells a result: text for people, or one JSON document. */
export function tell(world: World, { format }: FormatFlags, text: string, data: object): void {
  world.out(format === 'json' ? `${JSON.stringify(data)}\n` : text);
}
