/** The files of the page, read once: its document and style from this room, its scripts as they were compiled, uPlot as npm has it. */
import { readFile, readdir } from 'node:fs/promises';
import { createRequire, stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { reportStyle } from '../report/index.ts';
import { DashboardError } from './errors.ts';
import { pageDocument, pageIcon } from './page-document.ts';
import { pageStyle } from './page-style.ts';

/** A file as it is served. */
export interface PageFile {
  readonly type: string;
  readonly body: string;
}

const script = 'text/javascript; charset=utf-8';

/**
 * Files by their path on the server.
 *
 * @throws {DashboardError} 'missing_page'
 */
export async function readPageFiles(): Promise<ReadonlyMap<string, PageFile>> {
  const folder = fileURLToPath(new URL('./page/', import.meta.url));
  const names = (await readdir(folder).catch(() => missing(folder))).filter(
    (name) => /\.(js|ts)$/.test(name) && !name.endsWith('.d.ts'),
  );
  const files = new Map<string, PageFile>();
  for (const name of names) {
    const text = await readFile(join(folder, name), 'utf8');
    // Before the build these are TypeScript: Node takes the types away, for the browser as for itself.
    const body = name.endsWith('.ts') ? stripTypeScriptTypes(text) : text;
    files.set(`/page/${name}`, { type: script, body });
  }
  const main =
    names.find((name) => /^main\.(js|ts)$/.test(name)) ?? missing(join(folder, 'main.js'));
  const [uplot, uplotStyle] = await Promise.all(
    ['uPlot.iife.min.js', 'uPlot.min.css'].map(readUplot),
  );
  files.set('/page/uplot.js', { type: script, body: uplot ?? '' });
  files.set('/page/style.css', {
    type: 'text/css; charset=utf-8',
    body: [uplotStyle, reportStyle, pageStyle].join('\n'),
  });
  files.set('/page/icon.svg', { type: 'image/svg+xml', body: pageIcon() });
  files.set('/', { type: 'text/html; charset=utf-8', body: pageDocument(`/page/${main}`) });
  return files;
}

async function readUplot(name: string): Promise<string> {
  const file = createRequire(import.meta.url).resolve(`uplot/dist/${name}`);
  return readFile(file, 'utf8').catch(() => missing(file));
}

function missing(file: string): never {
  throw new DashboardError(
    { code: 'missing_page', file },
    `expected the live page's file ${file}: install the package again (npm ci)`,
  );
}
