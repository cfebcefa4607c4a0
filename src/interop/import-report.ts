/** What an import took, left and lacked, as a person reads it. */
import { printable, type ImportReport } from './weights-file.ts';

/** Names of one kind that are written out; the rest is counted. */
const namesMax = 5;

/** A line for each thing to know, without a line break at the end. */
export function importLines({ prefix, loaded, skipped, missing, share }: ImportReport): string[] {
  const total = loaded.length + missing.length;
  const types = [...new Set(loaded.map(({ dtype }) => dtype))].sort().join(', ');
  const changes = grouped(
    loaded.flatMap(({ name, change }) => (change === null ? [] : [{ text: name, key: change }])),
  );
  const reasons = grouped(
    skipped.map(({ from, shape, reason }) => ({
      text: `${printable(from)} [${shape.join(', ')}]`,
      key: reason,
    })),
  );
  return [
    `loaded    ${loaded.length} of ${total} parameters, ${percent(share)} of the numbers, from ${types}`,
    ...(prefix.theirs === prefix.ours
      ? []
      : [`names     ${quoted(prefix.theirs)} read as ${quoted(prefix.ours)}`]),
    ...changes.map(([change, names]) => `changed   ${listed(names)}: ${change}`),
    ...reasons.map(([reason, names]) => `skipped   ${listed(names)}: ${reason}`),
    ...(missing.length === 0
      ? []
      : [`missing   ${listed(missing.map(({ name }) => name))}: begin anew`]),
  ];
}

function grouped(
  items: readonly { readonly text: string; readonly key: string }[],
): [key: string, texts: string[]][] {
  const groups = new Map<string, string[]>();
  for (const { text, key } of items) groups.set(key, [...(groups.get(key) ?? []), text]);
  return [...groups];
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, namesMax).join(', ');
  return names.length > namesMax ? `${shown} and ${names.length - namesMax} more` : shown;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function quoted(prefix: string): string {
  return prefix === '' ? 'nothing' : printable(prefix);
}
