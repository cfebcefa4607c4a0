/** Update envelopes of one round: each good one is checked once, whoever repeats or relays it. */
import { doNow, utf8, type Digest, type PureWork } from '../../base/index.ts';
import { digestOf, type VerifyBytes } from '../../crypto/index.ts';
import { envelopesPerAuthorMax, readUpdate, type UpdateFacts } from '../../gossip/index.ts';
import { decodeUpdateStatement, type Open, type SignedManifest } from '../../wire/index.ts';
import type { UpdateMessage } from './update-messages.ts';

/** See the file's header. */
export class EnvelopeReader {
  readonly #consortium: SignedManifest;
  readonly #open: Open;
  readonly #verify: VerifyBytes;
  /** By digest; all are forgotten when there are more than the book of updates takes. */
  readonly #known = new Map<Digest, UpdateFacts>();
  readonly #pure: PureWork;

  /** @param verify checks an author's signature */
  constructor(consortium: SignedManifest, open: Open, verify: VerifyBytes, pure: PureWork = doNow) {
    this.#pure = pure;
    this.#consortium = consortium;
    this.#open = open;
    this.#verify = verify;
  }

  /** The bytes of an envelope that came as text. */
  bytesOf(message: UpdateMessage): Uint8Array {
    return this.#pure(envelopeBytes, message);
  }

  /** What an envelope says. @throws {GossipError} 'bad_update' when it is none of this round */
  read(bytes: Uint8Array): UpdateFacts {
    const env = this.#pure(digestOfBytes, bytes);
    const known = this.#known.get(env);
    if (known !== undefined) return known;
    const facts = readUpdate(this.#consortium, this.#open, bytes, this.#verify, (one) =>
      this.#pure(decodeUpdateStatement, one),
    );
    const max = envelopesPerAuthorMax * this.#open.participants.length;
    if (this.#known.size >= max) this.#known.clear();
    this.#known.set(env, facts);
    return facts;
  }
}

function envelopeBytes({ envelope }: UpdateMessage): Uint8Array {
  return utf8(envelope);
}

function digestOfBytes(bytes: Uint8Array): Digest {
  return digestOf(bytes);
}
