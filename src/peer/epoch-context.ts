/** The voters of an epoch, as signatures are checked against them. */
import type { ConsensusMember } from '../consensus/index.ts';
import type { VerifySignature } from '../crypto/index.ts';
import { keyBytes, type EpochContext, type SignedManifest } from '../wire/index.ts';

/** The members of a manifest with their consensus keys, in its order. */
export function votersOf({ manifest }: Pick<SignedManifest, 'manifest'>): ConsensusMember[] {
  return manifest.members.map(({ id, consensusKey }) => ({
    id,
    publicKey: keyBytes(consensusKey),
  }));
}

/** What a statement of this consortium and epoch is checked against. @param verify checks a signature */
export function epochContext(
  consortium: SignedManifest,
  epoch: number,
  verify: VerifySignature,
): EpochContext {
  return { cid: consortium.cid, epoch, members: votersOf(consortium), verify };
}
