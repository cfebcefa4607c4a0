/** Update envelopes before they wait in the queue: each is checked against the round's OPEN, and each good one once. */
import { messageOf, utf8, type Digest } from '../../../base/index.ts';
import { digestOf, type VerifyBytes } from '../../../crypto/index.ts';
import { GossipError, readUpdate, type UpdateFacts } from '../../../gossip/index.ts';
import type { MessageCost, Open, SignedManifest } from '../../../wire/index.ts';

/** Good envelopes that are remembered for each participant; all are forgotten at the limit. */
const envelopesPerAuthorMax = 2;

/** Remembers what the good envelopes of one round say, so that whoever repeats or relays one costs nothing. */
export class EnvelopeCheck {
  readonly #consortium: SignedManifest;
  readonly #open: Open;
  readonly #verify: VerifyBytes;
  readonly #good = new Map<Digest, UpdateFacts>();

  constructor(consortium: SignedManifest, open: Open, verify: VerifyBytes) {
    this.#consortium = consortium;
    this.#open = open;
    this.#verify = verify;
  }

  /** What it cost to check this envelope, given as text, and what is wrong with it if anything is. */
  judge(envelope: string): MessageCost {
    const bytes = utf8(envelope);
    if (this.#good.has(digestOf(bytes))) return { signatures: 0 };
    try {
      this.read(bytes);
      return { signatures: 1 };
    } catch (error) {
      if (error instanceof GossipError) return { signatures: 1, refusal: messageOf(error) };
      throw error;
    }
  }

  /** As `readUpdate`. @throws {GossipError} 'bad_update' */
  read(bytes: Uint8Array): UpdateFacts {
    const env = digestOf(bytes);
    const known = this.#good.get(env);
    if (known !== undefined) return known;
    const facts = readUpdate(this.#consortium, this.#open, bytes, this.#verify);
    if (this.#good.size >= envelopesPerAuthorMax * this.#open.participants.length) {
      this.#good.clear();
    }
    this.#good.set(env, facts);
    return facts;
  }
}
