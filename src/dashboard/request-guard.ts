/** Which requests the page answers, and what it tells every browser: pure, so that each rule is tested by itself. */

/** What is looked at of a request. */
export interface RequestFacts {
  readonly method: string;
  /** The `Host` header. */
  readonly host: string | undefined;
  /** `Sec-Fetch-Site` and `Sec-Fetch-Mode`, which browsers send and pages cannot change. */
  readonly fetchSite: string | undefined;
  readonly fetchMode: string | undefined;
  /** The address of this machine that the connection came to. */
  readonly localAddress: string | undefined;
}

/** Why a request is refused. */
export interface Refusal {
  readonly status: 403 | 405;
  readonly reason: string;
}

/** Null for a request that is answered. @param names further names of this server */
export function refusalOf(request: RequestFacts, names: readonly string[]): Refusal | null {
  const { method, host, localAddress, fetchSite, fetchMode } = request;
  if (method !== 'GET' && method !== 'HEAD') {
    return { status: 405, reason: 'this page is read-only: GET and HEAD alone' };
  }
  if (!isOwnName(nameOf(host ?? ''), localAddress, names)) {
    const reason =
      'this server is not known by the name in the Host header: ask by its address, or add the name to dashboard.names';
    return { status: 403, reason };
  }
  // Another site may link here, and nothing else: no script, picture or stream of ours in its pages.
  const isOwnSite = fetchSite === undefined || fetchSite === 'same-origin' || fetchSite === 'none';
  if (!isOwnSite && fetchMode !== 'navigate') {
    return { status: 403, reason: 'other sites may not read this page' };
  }
  return null;
}

/** Whether only this machine reaches what listens at `host`. */
export function isLoopback(host: string): boolean {
  const name = bare(host);
  return name === 'localhost' || name === '::1' || /^127(\.\d{1,3}){3}$/.test(name);
}

function isOwnName(
  name: string,
  localAddress: string | undefined,
  names: readonly string[],
): boolean {
  if (name === '') return false;
  if (isLoopback(name)) return true;
  const own = [...names, ...(localAddress === undefined ? [] : [localAddress])];
  return own.some((each) => bare(each) === name);
}

/** The name of `name:port`; an IPv6 address without its brackets; '' for what is neither. */
function nameOf(host: string): string {
  const [, name = ''] = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::\d{1,5})?$/.exec(host) ?? [];
  return bare(name);
}

/** One way to write a name: lower case, no brackets, no final dot, IPv4 as such. */
function bare(name: string): string {
  return name
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/^::ffff:(?=\d+\.)/, '')
    .replace(/\.$/, '');
}

/** On every answer. Scripts, styles and pictures from this server alone, none of them inline; framed by nobody; kept by nobody. */
export const safeHeaders: Readonly<Record<string, string>> = Object.freeze({
  'Content-Security-Policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join('; '),
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-store',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
});
