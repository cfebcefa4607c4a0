/** Checks of signatures, counted so that the transport can put them to the account of whoever caused them. */
import type { NodeId } from '../base/index.ts';
import { rememberingVerify } from '../consensus/index.ts';
import type { CryptoPort, VerifyBytes, VerifySignature } from '../crypto/index.ts';
import type { MessageCost } from '../wire/index.ts';

/** See the file's header. */
export class CountedChecks {
  readonly #charge: (from: NodeId, cost: MessageCost) => void;
  #count = 0;

  /** Verifies under a domain: counted, and once for each good signature. */
  readonly verify: VerifySignature;
  /** Verifies bytes: counted. */
  readonly verifyBytes: VerifyBytes;

  /** @param charge puts a cost to a member's account */
  constructor(
    crypto: Pick<CryptoPort, 'verify' | 'verifyBytes'>,
    charge: (from: NodeId, cost: MessageCost) => void,
  ) {
    this.#charge = charge;
    this.verify = rememberingVerify((...signed) => {
      this.#count += 1;
      return crypto.verify(...signed);
    });
    this.verifyBytes = (...signed) => {
      this.#count += 1;
      return crypto.verifyBytes(...signed);
    };
  }

  /** Does `work` and puts the signatures that it verified to the account of `from`. */
  charging<T>(from: NodeId, work: () => T): T {
    const before = this.#count;
    try {
      return work();
    } finally {
      const signatures = this.#count - before;
      if (signatures > 0) this.#charge(from, { signatures });
    }
  }

  /** Puts a refusal to the account of `from`: it sent what no honest member sends. */
  refuse(from: NodeId, refusal: string): void {
    this.#charge(from, { signatures: 0, refusal });
  }
}
