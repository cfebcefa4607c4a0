import { AnnulusError } from '../base/index.ts';

/** Why bytes or values from another node were refused. */
export type WireErrorFacts =
  /** More bytes than the format allows; told before anything is allocated for them. */
  | { readonly code: 'too_large'; readonly sizeBytes: number; readonly maxBytes: number }
  /** Not the canonical form, or a field that is missing, unknown or out of range. */
  | { readonly code: 'malformed'; readonly path: string; readonly expected: string }
  /** Well-formed, but a signature is missing or wrong. */
  | { readonly code: 'bad_signature'; readonly path: string };

/** Bad input from the network or from a file that came over it. */
export class WireError extends AnnulusError<WireErrorFacts> {}

/** A `WireError` that names the place in the document and what should have been there. */
export function malformed(path: string, expected: string, cause?: unknown): WireError {
  return new WireError(
    { code: 'malformed', path, expected },
    `${path}: expected ${expected}`,
    cause === undefined ? undefined : { cause },
  );
}

/** Why a transfer did not happen. An ordinary mishap of networks: try later or elsewhere. */
export type TransportErrorFacts =
  | { readonly code: 'unreachable'; readonly peer: string }
  | { readonly code: 'not_found'; readonly peer: string }
  | { readonly code: 'interrupted'; readonly peer: string }
  | { readonly code: 'too_large'; readonly peer: string; readonly maxBytes: number };

/** A fetch that failed. */
export class TransportError extends AnnulusError<TransportErrorFacts> {}
