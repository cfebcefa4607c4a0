/** The name of a model: one digest for one list of parameters, on every machine. */
import { createHash } from 'node:crypto';

import type { Digest } from '../base/index.ts';
import { encodeSafetensors, safetensorsPieces } from './safetensors.ts';
import type { ModelWeights } from './tensors.ts';

/** The canonical file of a model: float32 tensors ascending by name (UTF-16), no metadata. */
export function encodeCanonicalWeights(weights: ModelWeights): Uint8Array {
  return encodeSafetensors(byName(weights));
}

/** SHA-256 of the canonical file, without building it. */
export function modelDigest(weights: ModelWeights): Digest {
  const hash = createHash('sha256');
  for (const piece of safetensorsPieces(byName(weights))) hash.update(piece);
  return hash.digest('hex') as Digest;
}

/** In the order of the canonical file. */
export function byName<T extends { readonly name: string }>(tensors: readonly T[]): T[] {
  return [...tensors].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}
