/** Remembers signatures that were good: the same ones come again inside certificates and chains. */
import { utf8, type Digest } from '../base/index.ts';
import { digestOf, type VerifySignature } from '../crypto/index.ts';

const rememberedMax = 8192;

/** `verify`, but asked once for each good signature. Forgets everything at the limit. */
export function rememberingVerify(verify: VerifySignature): VerifySignature {
  const good = new Set<Digest>();
  return (publicKey, domain, message, signature) => {
    // Keys and signatures have one length each and a domain has no line break: one digest for one question.
    const question = digestOf(publicKey, signature, utf8(`${domain}\n`), message);
    if (good.has(question)) return true;
    if (!verify(publicKey, domain, message, signature)) return false;
    if (good.size >= rememberedMax) good.clear();
    good.add(question);
    return true;
  };
}
