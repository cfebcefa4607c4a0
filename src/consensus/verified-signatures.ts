/** Remembers signatures that were good: the same ones come again inside certificates and chains. */
import { hex } from '../base/index.ts';
import type { VerifySignature } from '../crypto/index.ts';

const rememberedMax = 8192;

/** `verify`, but asked once for each good signature. Forgets everything at the limit. */
export function rememberingVerify(verify: VerifySignature): VerifySignature {
  const good = new Set<string>();
  return (publicKey, domain, message, signature) => {
    const key = [publicKey, message, signature].map(hex).concat(domain).join(' ');
    if (good.has(key)) return true;
    if (!verify(publicKey, domain, message, signature)) return false;
    if (good.size >= rememberedMax) good.clear();
    good.add(key);
    return true;
  };
}
