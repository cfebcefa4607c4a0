/** Remembers signatures that were good: the same ones come again inside certificates and chains. */
import type { VerifySignature } from '../crypto/index.ts';

const rememberedMax = 8192;

/** `verify`, but asked once for each good signature. Forgets everything at the limit. */
export function rememberingVerify(verify: VerifySignature): VerifySignature {
  const good = new Set<string>();
  return (publicKey, domain, message, signature) => {
    // Keys and signatures have one length each and a domain has no line break: one text for one question.
    const key = `${latin1(publicKey)}${latin1(signature)}${domain}\n${latin1(message)}`;
    if (good.has(key)) return true;
    if (!verify(publicKey, domain, message, signature)) return false;
    if (good.size >= rememberedMax) good.clear();
    good.add(key);
    return true;
  };
}

function latin1({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('latin1');
}
