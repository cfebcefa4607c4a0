/**
 * Sees everything signed in a simulated world and holds it against the rules: no honest key signs a forbidden pair, no
 * honest NOTARIZE without a justified proposal. What honest nodes heard convicts whoever broke agreement.
 */
import type { Digest } from '../../src/base/index.ts';
import type { ConsensusMember, ConsensusMessage } from '../../src/consensus/index.ts';
import {
  certificatesOf,
  forbiddenPair,
  isJustified,
  statementsOf,
  type Certificate,
  type Chain,
  type EpochContext,
  type SignedStatement,
} from '../../src/wire/index.ts';
import { fakeVerify } from './fake-keys.ts';

/** Statements of each member by height, and who signed two that no honest member signs. */
class Signatures {
  readonly guilty: Set<number> = new Set<number>();
  readonly #seen = new Map<string, SignedStatement[]>();

  /** Whether this is the first time that its signer is seen to break the rules. */
  add(statement: SignedStatement): boolean {
    const key = `${statement.i}/${statement.h}`;
    const seen = this.#seen.get(key) ?? [];
    const { t, v, x, p } = statement;
    if (seen.some((o) => o.t === t && o.v === v && o.x === x && o.p === p)) return false;
    this.#seen.set(key, [...seen, statement]);
    if (this.guilty.has(statement.i)) return false;
    if (!seen.some((other) => forbiddenPair(other, statement) !== null)) return false;
    this.guilty.add(statement.i);
    return true;
  }
}

/** See the file's header. */
export class Witness {
  readonly #context: EpochContext;
  readonly #liars: number;
  readonly #violate: (what: string) => void;
  readonly #said = new Signatures();
  readonly #heard = new Signatures();
  readonly #justified = new Set<string>();

  constructor(
    cid: Digest,
    members: readonly ConsensusMember[],
    liars: number,
    violate: (what: string) => void,
  ) {
    this.#context = { cid, epoch: 1, members, verify: fakeVerify };
    this.#liars = liars;
    this.#violate = violate;
  }

  /** Members that signed a forbidden pair, whoever was told. */
  get guilty(): ReadonlySet<number> {
    return this.#said.guilty;
  }

  /** Members whom that convicts which honest nodes heard. */
  get convictable(): ReadonlySet<number> {
    return this.#heard.guilty;
  }

  /** A message leaves its sender. */
  onSaid(message: ConsensusMessage): void {
    if ('sig' in message) this.#onStatement(message);
    else if (message.t === 'CERT' || message.t === 'DECIDED') {
      for (const statement of this.#signedIn(message.cert)) this.#onStatement(statement);
    }
  }

  /** A message reaches an honest node: its signatures, and those of every certificate inside it. */
  onHeard(message: ConsensusMessage): void {
    if ('sig' in message) this.#heard.add(message);
    if ('cert' in message) this.#hear(message.cert);
    if ('chain' in message) for (const cert of certificatesOf(message.chain)) this.#hear(cert);
  }

  #hear(certificate: Certificate): void {
    for (const statement of this.#signedIn(certificate)) this.#heard.add(statement);
  }

  #signedIn(certificate: Certificate): SignedStatement[] {
    return statementsOf(certificate, this.#context).map((statement, at) => {
      const [i, sig] = certificate.sigs[at]!;
      return { ...statement, i, sig };
    });
  }

  #onStatement(statement: SignedStatement): void {
    this.#checkJustification(statement);
    const { i, t, h, v } = statement;
    if (this.#said.add(statement) && i >= this.#liars) {
      this.#violate(`honest-pair: node ${i}, ${t} ${i}/${h}/${v}`);
    }
  }

  /** An honest NOTARIZE answers a proposal whose chain proves that its value may stand in its view. */
  #checkJustification(message: SignedStatement & { readonly chain?: Chain }): void {
    const { t, h, v, x, i } = message;
    const key = `${h}/${v}/${x}`;
    if (t === 'PROPOSE' && message.chain !== undefined) {
      if (isJustified(message, message.chain, this.#context)) this.#justified.add(key);
    } else if (t === 'NOTARIZE' && i >= this.#liars && !this.#justified.has(key)) {
      this.#violate(`justification: node ${i} notarized ${key}`);
    }
  }
}
