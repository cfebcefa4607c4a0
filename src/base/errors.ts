/** Errors with codes: bad input is told apart from a broken promise of our own code. */

/** What every coded error carries: a `code` to switch on and the facts behind it. */
export interface ErrorFacts {
  readonly code: string;
}

/** Base of each room's one error class. `facts` is a union of codes with their facts. */
export class AnnulusError<Facts extends ErrorFacts = ErrorFacts> extends Error {
  readonly facts: Facts;

  constructor(facts: Facts, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = new.target.name;
    this.facts = facts;
  }

  /** The code alone, for `switch` and tests. */
  get code(): Facts['code'] {
    return this.facts.code;
  }
}

/** Thrown when our own code broke a promise. The peer stops. */
export class InvariantError extends Error {
  override readonly name: string = 'InvariantError';
}

/** @throws {InvariantError} unless `condition` holds; `mustHold` says what should have. */
export function invariant(condition: boolean, mustHold: string): asserts condition {
  if (!condition) throw new InvariantError(`broken invariant: ${mustHold}`);
}

/** The message of whatever was thrown, in one line. */
export function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' ');
}
