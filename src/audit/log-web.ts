/**
 * Which files of a log are given to whoever asks by HTTP, and how long they may be kept: the layout of C2SP tlog-tiles below a
 * prefix, and beside it what our own check needs (manifests, policies, decisions). Nothing else is named, so nothing else is read.
 */

/** A file that is served. */
export interface WebFile {
  /** Its name in the log's folder. */
  readonly name: string;
  /** Value of `Content-Type`. */
  readonly type: string;
  /** Value of `Cache-Control`. */
  readonly cache: string;
}

const text = 'text/plain; charset=utf-8';
const octets = 'application/octet-stream';
const json = 'application/json';
/** The head changes; tlog-tiles wants it kept for a few seconds at most. */
const seconds = 'public, max-age=2';
/** Never another content; a partial tile is gone once its tile is full. */
const aDay = 'public, max-age=86400';
const forEver = 'public, max-age=31536000, immutable';

const tileForm =
  /^tile\/(?:entries|[0-9]|[1-5][0-9]|6[0-3])\/(?:x[0-9]{3}\/){0,4}[0-9]{3}(?:\.p\/([1-9][0-9]{0,2}))?$/;
const forms: readonly (readonly [RegExp, Omit<WebFile, 'name'>])[] = [
  [/^checkpoint(\.next)?$/, { type: text, cache: seconds }],
  [/^policy(-[1-9][0-9]{0,5})?$/, { type: text, cache: aDay }],
  [/^manifest(-[1-9][0-9]{0,5})?\.json$/, { type: json, cache: aDay }],
  [/^decisions\/[1-9][0-9]{0,9}\.json$/, { type: json, cache: aDay }],
];

/** What a path below the log's prefix names, without a slash before it; null for what is not served. */
export function webFileOf(path: string): WebFile | null {
  const tile = tileForm.exec(path);
  if (tile !== null) {
    const [, width] = tile;
    if (width !== undefined && Number(width) > 255) return null;
    return { name: path, type: octets, cache: width === undefined ? forEver : aDay };
  }
  const form = forms.find(([one]) => one.test(path));
  return form === undefined ? null : { name: path, ...form[1] };
}
