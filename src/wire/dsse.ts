/**
 * DSSE v1.0 envelopes (secure-systems-lab/dsse) with Ed25519. The signature covers the exact payload bytes,
 * so checking it needs no canonicaliser. An envelope's own bytes are canonical JSON, because they become
 * log entries; unlike DSSE's reader we therefore take standard base64 only.
 */
import { base64, concatBytes, fromBase64, hex, invariant, utf8 } from '../base/index.ts';
import {
  sha256,
  signatureBytes,
  verifyRaw,
  type Signer,
  type VerifyBytes,
} from '../crypto/index.ts';
import { decodeStrict, encodeCanonical } from './canonical.ts';
import { malformed, WireError } from './errors.ts';
import { entryBytesMax, membersMax } from './limits.ts';
import { arr, b64, digest, obj, str, type Reader } from './readers.ts';

/** One signature; `keyid` is a hint only. */
export interface EnvelopeSignature {
  readonly keyid: string;
  /** Base64 of 64 bytes. */
  readonly sig: string;
}

/** A signed payload. */
export interface Envelope {
  readonly payloadType: string;
  /** Base64 of the payload's bytes. */
  readonly payload: string;
  readonly signatures: readonly EnvelopeSignature[];
}

/** Reads the structure; checks no signature. */
export const readEnvelope: Reader<Envelope> = obj({
  payloadType: str(128, /^[\x21-\x7e]+$/),
  payload: b64(1024 * 1024),
  signatures: arr(obj({ keyid: digest, sig: b64(signatureBytes, signatureBytes) }), membersMax, 1),
});

/** Our `keyid`: SHA-256 of the raw public key, in hex. */
export function keyIdOf(publicKey: Uint8Array): string {
  return hex(sha256(publicKey));
}

/** DSSE's pre-authentication encoding: `"DSSEv1" SP LEN(type) SP type SP LEN(body) SP body`. */
export function preAuthEncoding(payloadType: string, payload: Uint8Array): Uint8Array {
  const type = utf8(payloadType);
  return concatBytes(
    utf8(`DSSEv1 ${type.byteLength} `),
    type,
    utf8(` ${payload.byteLength} `),
    payload,
  );
}

/** Signs `payload` with every signer, in the order given. */
export function signEnvelope(
  payloadType: string,
  payload: Uint8Array,
  ...signers: readonly Signer[]
): Envelope {
  invariant(signers.length > 0, 'an envelope has a signer');
  const signed = preAuthEncoding(payloadType, payload);
  return {
    payloadType,
    payload: base64(payload),
    signatures: signers.map((signer) => ({
      keyid: keyIdOf(signer.publicKey),
      sig: base64(signer.signRaw(signed)),
    })),
  };
}

/**
 * The payload, if `publicKey` signed it and it is of the expected type.
 * @throws {WireError} 'malformed' for another type, 'bad_signature' when no signature is the key's
 */
export function verifyEnvelope(
  envelope: Envelope,
  payloadType: string,
  publicKey: Uint8Array,
  verify: VerifyBytes = verifyRaw,
): Uint8Array {
  const signed = signedBytesOf(envelope, payloadOf(envelope, payloadType));
  requireSignature(signed, publicKey, verify);
  return signed.payload;
}

/** The unverified payload of an envelope of the expected type. @throws {WireError} 'malformed' */
export function payloadOf(envelope: Envelope, payloadType: string): Uint8Array {
  if (envelope.payloadType !== payloadType) throw malformed('$.payloadType', payloadType);
  const payload = fromBase64(envelope.payload);
  if (payload === null) throw malformed('$.payload', 'base64');
  return payload;
}

/** Whether one of the signatures is `publicKey`'s over `payload`. */
export function isSignedBy(
  envelope: Envelope,
  payload: Uint8Array,
  publicKey: Uint8Array,
  verify: VerifyBytes = verifyRaw,
): boolean {
  return isBy(signedBytesOf(envelope, payload), publicKey, verify);
}

/** An envelope opened for the check of its signatures, which many may make of one. */
export interface SignedBytes {
  readonly payload: Uint8Array;
  /** What the signatures cover. */
  readonly signed: Uint8Array;
  readonly signatures: readonly { readonly keyid: string; readonly bytes: Uint8Array | null }[];
}

/** Opens an envelope with the payload that `payloadOf` gave; no signature is checked. */
export function signedBytesOf(envelope: Envelope, payload: Uint8Array): SignedBytes {
  return {
    payload,
    signed: preAuthEncoding(envelope.payloadType, payload),
    signatures: envelope.signatures.map(({ keyid, sig }) => ({ keyid, bytes: fromBase64(sig) })),
  };
}

/** @throws {WireError} 'bad_signature' when no signature is the key's */
export function requireSignature(
  signed: SignedBytes,
  publicKey: Uint8Array,
  verify: VerifyBytes,
): void {
  if (isBy(signed, publicKey, verify)) return;
  throw new WireError(
    { code: 'bad_signature', path: '$.signatures' },
    'no signature of the envelope is of the expected key',
  );
}

function isBy(
  { signed, signatures }: SignedBytes,
  publicKey: Uint8Array,
  verify: VerifyBytes,
): boolean {
  const keyid = keyIdOf(publicKey);
  return signatures.some(
    (one) => one.keyid === keyid && one.bytes !== null && verify(publicKey, signed, one.bytes),
  );
}

/** The canonical bytes of an envelope: a log entry. */
export function encodeEnvelope(envelope: Envelope): Uint8Array {
  return encodeCanonical(envelope);
}

/** @throws {WireError} 'too_large' or 'malformed' */
export function decodeEnvelope(bytes: Uint8Array, maxBytes: number = entryBytesMax): Envelope {
  return readEnvelope(decodeStrict(bytes, { maxBytes, maxDepth: 4 }));
}
