/** A peer's own timing, and how much of the past it keeps. None of it changes what is agreed, only how soon. */
export interface PeerSettings {
  /** Between two looks at the clock: heartbeats, repeats of what gossip may have lost. Milliseconds, 100..60000. */
  readonly tickMs: number;
  /**
   * A participant not heard of for this long is left out of the cut before the deadline, ms, 1000..86400000. Heartbeats go
   * out while it trains, so this measures a lost peer, not a slow one; shorter than a VPN's hiccup costs a site its round.
   */
  readonly silenceMs: number;
  /** News of updates that are here wait so long for one more, and not at all when none is missing. Milliseconds, 0..10000. */
  readonly holdsDelayMs: number;
  /** How far a proposer's clock may differ from ours, milliseconds, 1000..86400000. */
  readonly clockSkewMs: number;
  /** A new model whose hold-out loss exceeds its base's (or 1, if that is more) times this is refused. 1..1000. */
  readonly lossFactorMax: number;
  /**
   * Encrypted updates of so many rounds stay on the disk, 1..1000000; 3 serve whoever is a round behind. An auditor
   * can repeat the average of a round only while its updates are there.
   */
  readonly updateRoundsKept: number;
  /** Sealed models of so many rounds stay, 1..1000000. Models that rounds to come start from always do. */
  readonly modelRoundsKept: number;
  /** Updates and models of past rounds fill no more than this, bytes, 1000000..1e15; the oldest go first. */
  readonly bulkBytesMax: number;
}

/** Settings for hospitals on the internet. */
export const peerDefaults: PeerSettings = Object.freeze({
  tickMs: 1000,
  silenceMs: 20_000,
  holdsDelayMs: 300,
  clockSkewMs: 300_000,
  lossFactorMax: 3,
  updateRoundsKept: 3,
  modelRoundsKept: 3,
  bulkBytesMax: 20_000_000_000,
});
