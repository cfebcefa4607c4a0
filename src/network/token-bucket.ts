/**
 * A token bucket: `perSecond` tokens flow in, at most `burst` are kept. What is known only afterwards may be spent on
 * credit: then nothing is given until the debt is paid. Time is an argument.
 */

/** See the file header. */
export class TokenBucket {
  readonly #perSecond: number;
  readonly #burst: number;
  #tokens: number;
  #atMs: number;

  constructor(limits: { perSecond: number; burst: number; nowMs: number }) {
    this.#perSecond = limits.perSecond;
    this.#burst = limits.burst;
    this.#tokens = limits.burst;
    this.#atMs = limits.nowMs;
  }

  /** Takes one token if there is one. */
  take(nowMs: number): boolean {
    this.#refill(nowMs);
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  /** Takes `tokens`, on credit if need be. Returns whether they were there. */
  spend(nowMs: number, tokens: number): boolean {
    this.#refill(nowMs);
    this.#tokens -= tokens;
    return this.#tokens >= 0;
  }

  /** Milliseconds until `tokens` are there; 0 when they are now. */
  waitMs(nowMs: number, tokens = 1): number {
    this.#refill(nowMs);
    return this.#tokens >= tokens
      ? 0
      : Math.ceil(((tokens - this.#tokens) / this.#perSecond) * 1000);
  }

  #refill(nowMs: number): void {
    const elapsedMs = Math.max(0, nowMs - this.#atMs);
    this.#tokens = Math.min(this.#burst, this.#tokens + (elapsedMs / 1000) * this.#perSecond);
    this.#atMs = Math.max(this.#atMs, nowMs);
  }
}
