/** Update envelopes before they wait in the queue: each is checked against the round's OPEN, and each good one once. */
import { messageOf, utf8, type Digest } from '../../../base/index.ts';
import { digestOf } from '../../../crypto/index.ts';
import { GossipError, readUpdate } from '../../../gossip/index.ts';
import type { MessageCost, Open, SignedManifest } from '../../../wire/index.ts';

/** Good envelopes that are remembered; all are forgotten at the limit. */
const envelopesMax = 1_024;

/** Remembers the good envelopes of one round, so that whoever repeats or relays one costs nothing. */
export class EnvelopeCheck {
  readonly #consortium: SignedManifest;
  readonly #open: Open;
  readonly #good = new Set<Digest>();

  constructor(consortium: SignedManifest, open: Open) {
    this.#consortium = consortium;
    this.#open = open;
  }

  /** What it cost to check this envelope, given as text, and what is wrong with it if anything is. */
  judge(envelope: string): MessageCost {
    const bytes = utf8(envelope);
    const env = digestOf(bytes);
    if (this.#good.has(env)) return { signatures: 0 };
    try {
      readUpdate(this.#consortium, this.#open, bytes);
    } catch (error) {
      if (error instanceof GossipError) return { signatures: 1, refusal: messageOf(error) };
      throw error;
    }
    if (this.#good.size >= envelopesMax) this.#good.clear();
    this.#good.add(env);
    return { signatures: 1 };
  }
}
