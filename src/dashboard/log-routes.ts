/** A log over HTTP, read-only, in the layout of C2SP tlog-tiles: tiles, entries, checkpoint, and what our own check needs beside. */
import type { Hono } from 'hono';
import { webFileOf } from '../audit/index.ts';

/** A file of the log by its name; null when it is not there. */
export type ReadLogFile = (name: string) => Promise<Uint8Array | null>;

/** @param prefix such as `/log/`, or `/` */
export function addLogRoutes<E extends object>(
  app: Hono<E>,
  prefix: string,
  read: ReadLogFile,
): void {
  app.get(`${prefix}*`, async (c) => {
    const path = c.req.path.slice(prefix.length);
    const file = webFileOf(path);
    const bytes = file === null ? null : await read(file.name);
    if (file === null || bytes === null) {
      // A tile that is not there yet may come: nobody shall keep the answer.
      c.header('Cache-Control', 'no-store');
      return c.text(`no such file of the log; its head is at ${prefix}checkpoint\n`, 404);
    }
    c.header('Content-Type', file.type);
    c.header('Cache-Control', file.cache);
    c.header('Cross-Origin-Resource-Policy', 'cross-origin');
    return c.body(new Uint8Array(bytes));
  });
}
