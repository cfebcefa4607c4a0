/** Keys for simulations: a "signature" is a hash under the public key. Fast; nobody forges in there. */
import { concatBytes, utf8, type NodeId } from '../../src/base/index.ts';
import type { ConsensusMember, ConsensusSigner } from '../../src/consensus/index.ts';
import { sha256, type VerifySignature } from '../../src/crypto/index.ts';

export function fakeMembers(count: number): ConsensusMember[] {
  return Array.from({ length: count }, (_, index) => ({
    id: `N${index}` as NodeId,
    publicKey: sha256(utf8(`key ${index}`)),
  }));
}

export function fakeSigner({ publicKey }: ConsensusMember): ConsensusSigner {
  return {
    sign: (domain, message) => {
      const half = sha256(publicKey, utf8(domain), message);
      return concatBytes(half, half);
    },
  };
}

export const fakeVerify: VerifySignature = (publicKey, domain, message, signature) => {
  const half = sha256(publicKey, utf8(domain), message);
  return Buffer.compare(concatBytes(half, half), signature) === 0;
};
