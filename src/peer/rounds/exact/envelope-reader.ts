/** Update envelopes of one round: each good one is checked once, whoever repeats or relays it. */
import type { Digest } from '../../../base/index.ts';
import { digestOf, type VerifyBytes } from '../../../crypto/index.ts';
import { readUpdate, type UpdateFacts } from '../../../gossip/index.ts';
import type { Open, SignedManifest } from '../../../wire/index.ts';

/** Envelopes that are remembered for each participant; all are forgotten at the limit. */
const envelopesPerAuthorMax = 2;

/** See the file's header. */
export class EnvelopeReader {
  readonly #consortium: SignedManifest;
  readonly #open: Open;
  readonly #verify: VerifyBytes;
  readonly #known = new Map<Digest, UpdateFacts>();

  /** @param verify checks an author's signature */
  constructor(consortium: SignedManifest, open: Open, verify: VerifyBytes) {
    this.#consortium = consortium;
    this.#open = open;
    this.#verify = verify;
  }

  /** What an envelope says. @throws {GossipError} 'bad_update' when it is none of this round */
  read(bytes: Uint8Array): UpdateFacts {
    const env = digestOf(bytes);
    const known = this.#known.get(env);
    if (known !== undefined) return known;
    const facts = readUpdate(this.#consortium, this.#open, bytes, this.#verify);
    const max = envelopesPerAuthorMax * this.#open.participants.length;
    if (this.#known.size >= max) this.#known.clear();
    this.#known.set(env, facts);
    return facts;
  }
}
