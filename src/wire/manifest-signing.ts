/** A version of the manifest on its way from a draft without signatures to one with all that it needs. */
import { base64 } from '../base/index.ts';
import type { Signer } from '../crypto/index.ts';
import { decodeStrict, encodeCanonical } from './canonical.ts';
import { encodeEnvelope, signEnvelope, type EnvelopeSignature } from './dsse.ts';
import { malformed } from './errors.ts';
import { manifestBytesMax } from './limits.ts';
import {
  manifestPayloadType,
  openManifest,
  readManifest,
  type Manifest,
  type OpenedManifest,
} from './manifest.ts';
import { checkSignatures } from './manifest-change.ts';

/** The file of a draft: the manifest alone. @throws {WireError} 'malformed' when it is none */
export function encodeDraft(manifest: Manifest): Uint8Array {
  const bytes = encodeCanonical(manifest);
  readManifest(decodeStrict(bytes, { maxBytes: manifestBytesMax }));
  return bytes;
}

/**
 * Opens a version that is being signed: a draft, which has no signature yet, or an envelope. No signature is checked.
 *
 * @throws {WireError} 'too_large' or 'malformed'
 */
export function openDraft(bytes: Uint8Array): OpenedManifest {
  const value = decodeStrict(bytes, { maxBytes: manifestBytesMax });
  const isEnvelope = typeof value === 'object' && value !== null && 'payload' in value;
  if (isEnvelope) return openManifest(bytes);
  const envelope = { payloadType: manifestPayloadType, payload: base64(bytes), signatures: [] };
  return { envelope, payload: bytes, manifest: readManifest(value) };
}

/** The file of a version with one signature more; one by the same key is replaced. */
export function withSignature(opened: OpenedManifest, signer: Signer): Uint8Array {
  const { envelope, payload } = opened;
  const { signatures } = signEnvelope(manifestPayloadType, payload, signer);
  return encoded(envelope.signatures.concat(signatures), opened);
}

/**
 * The file of a version with the signatures of all of these.
 *
 * @param previous the version before; null when this is the genesis
 * @throws {WireError} 'malformed' when they are not one version or somebody else signed, 'bad_signature' when one is wrong
 */
export function combineSignatures(
  previous: Manifest | null,
  versions: readonly [OpenedManifest, ...OpenedManifest[]],
): Uint8Array {
  const [first] = versions;
  for (const version of versions) {
    if (version.envelope.payload !== first.envelope.payload) {
      throw malformed('$.payload', 'the same version in all files');
    }
    checkSignatures(previous, version);
  }
  return encoded(
    versions.flatMap(({ envelope }) => envelope.signatures),
    first,
  );
}

/** One signature a key, the last of them, in the order of the keys' ids: the same for everybody who combines the same. */
function encoded(
  signatures: readonly EnvelopeSignature[],
  { envelope }: OpenedManifest,
): Uint8Array {
  const last = new Map(signatures.map((signature) => [signature.keyid, signature]));
  const sorted = [...last.values()].sort((a, b) => (a.keyid < b.keyid ? -1 : 1));
  return encodeEnvelope({ ...envelope, signatures: sorted });
}
