/** Tables of Markdown, and numbers as they stand in them. */

/** A table of Markdown with its columns aligned for people, too. */
export function markdownTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const widths = header.map((title, n) =>
    Math.max(3, title.length, ...rows.map((row) => (row[n] ?? '').length)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${widths.map((width, n) => (cells[n] ?? '').padEnd(width)).join(' | ')} |`;
  return [
    line(header),
    `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`,
    ...rows.map(line),
  ].join('\n');
}

/** With one digit; a dash for what is not known. */
export function mmText(mm: number | null): string {
  return mm === null || !Number.isFinite(mm) ? '–' : mm.toFixed(1);
}
