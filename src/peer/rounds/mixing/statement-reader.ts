/** Signed statements of one mixing: each good one is checked once, whoever repeats or relays it. */
import { doNow, messageOf, utf8, type Digest, type PureWork } from '../../../base/index.ts';
import { digestOf, type VerifyBytes } from '../../../crypto/index.ts';
import {
  decodeReport,
  decodeStep,
  verifyMixing,
  WireError,
  type MixingReport,
  type Open,
  type SignedManifest,
  type StepStatement,
} from '../../../wire/index.ts';
import type { ReportMessage, StepMessage } from './mixing-messages.ts';

/** A statement whose signature holds. */
export type ReadStatement =
  | {
      readonly kind: 'step';
      readonly statement: StepStatement;
      readonly digest: Digest;
      readonly bytes: Uint8Array;
    }
  | {
      readonly kind: 'report';
      readonly statement: MixingReport;
      readonly digest: Digest;
      readonly bytes: Uint8Array;
    };

/** Statements that are remembered; all are forgotten when there are more. */
const knownMax = 4_096;

/** See the file's header. */
export class StatementReader {
  readonly #consortium: SignedManifest;
  readonly #open: Open;
  readonly #verify: VerifyBytes;
  readonly #pure: PureWork;
  readonly #known = new Map<Digest, ReadStatement>();

  /** @param verify checks an author's signature */
  constructor(consortium: SignedManifest, open: Open, verify: VerifyBytes, pure: PureWork = doNow) {
    this.#consortium = consortium;
    this.#open = open;
    this.#verify = verify;
    this.#pure = pure;
  }

  /** What a message says; a text that says why no honest member sends it. */
  read(message: StepMessage | ReportMessage): ReadStatement | string {
    const bytes = this.#pure(bytesOf, message);
    const digest = this.#pure(digestOfBytes, bytes);
    const known = this.#known.get(digest);
    if (known !== undefined) return known;
    let found: ReadStatement;
    try {
      found = this.#verified(message.t, bytes, digest);
    } catch (error) {
      if (error instanceof WireError) return messageOf(error);
      throw error;
    }
    const { round, author } = found.statement;
    if (round !== this.#open.r) return `of round ${round}, not ${this.#open.r}`;
    if (!this.#open.participants.includes(author)) return `${author} does not take part`;
    if (this.#known.size >= knownMax) this.#known.clear();
    this.#known.set(digest, found);
    return found;
  }

  #verified(kind: 'step' | 'report', bytes: Uint8Array, digest: Digest): ReadStatement {
    const { manifest, cid } = this.#consortium;
    if (kind === 'step') {
      const decoded = this.#pure(decodeStep, bytes);
      const statement = verifyMixing(decoded, manifest, cid, this.#verify);
      return { kind, statement, digest, bytes };
    }
    const decoded = this.#pure(decodeReport, bytes);
    return { kind, statement: verifyMixing(decoded, manifest, cid, this.#verify), digest, bytes };
  }
}

function bytesOf({ statement }: StepMessage | ReportMessage): Uint8Array {
  return utf8(statement);
}

function digestOfBytes(bytes: Uint8Array): Digest {
  return digestOf(bytes);
}
