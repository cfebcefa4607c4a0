/** What README.md tells people to type and to expect. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from './project-root.ts';

const page = readFileSync(join(projectRoot, 'README.md'), 'utf8');

/** Commands of the `sh` blocks, without comments; `a && b` are two. */
export const readmeCommands: readonly string[] = blocks('sh')
  .flatMap((line) => line.replace(/\s+#.*$/, '').split('&&'))
  .map((command) => command.trim())
  .filter((command) => command !== '');

/** Lines of the excerpt of the terminal, as patterns: `…` stands for anything, `mm:ss` for a time. */
export const readmeExcerpt: readonly RegExp[] = blocks('text')
  .filter((line) => line !== '')
  .map((line) => line.split('…').map(escaped).join('.+').replace('mm:ss', '\\d\\d:\\d\\d'))
  .map((pattern) => new RegExp(`^${pattern}$`, 'm'));

function blocks(language: string): string[] {
  const found = page.matchAll(new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\``, 'gm'));
  return [...found].flatMap(([, text]) => (text ?? '').split('\n'));
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}
