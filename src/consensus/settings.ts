/** Settings of consensus: how long a view may last and how often unanswered messages are sent again. */
import { ConsensusError } from './errors.ts';

/** All times are milliseconds. */
export interface ConsensusSettings {
  /** T0, time a first leader has. 100 to 600000. A few WAN round trips plus the local check of a proposal. */
  readonly viewTimeoutMs: number;
  /** Factor from view to view. 1 to 4. At 1.5, seven bad leaders in a row cost about 32 T0 together. */
  readonly viewTimeoutGrowth: number;
  /** Longest view. `viewTimeoutMs` to 3600000. */
  readonly viewTimeoutMsMax: number;
  /**
   * Time of a leader that let its last view pass without a word and was not heard since, 1 to 600000; never more than the view has. A hospital that is
   * off costs its turns no more than this; its first message gives it all its time again.
   */
  readonly silentLeaderMs: number;
  /**
   * A leader that follows right on a notarization waits so long for the decision before it proposes the value again, 0 to
   * 60000. Below it every decision costs a second proposal and its votes; above a few round trips nothing is gained.
   */
  readonly proposeAgainMs: number;
  /** First retransmission, spread by +-50 %. 50 to 60000. */
  readonly resendMs: number;
  /** The interval doubles up to this while nothing moves. `resendMs` to 600000. */
  readonly resendMsMax: number;
  /** Votes for views further ahead than this are ignored: bounds what a liar can make us keep. 1 to 10000. */
  readonly viewsAheadMax: number;
  /** Answers (DECIDED, VIEW, BODY) to one peer between two retransmissions. 1 to 1000. */
  readonly repliesPerResendMax: number;
  /** Decisions kept in memory to answer those who are behind. 1 to 1000; at most 60 KiB each. */
  readonly decisionsKept: number;
}

/** Defaults for a consortium over a wide-area network. */
export const consensusDefaults: ConsensusSettings = Object.freeze({
  viewTimeoutMs: 10_000,
  viewTimeoutGrowth: 1.5,
  viewTimeoutMsMax: 600_000,
  silentLeaderMs: 500,
  proposeAgainMs: 500,
  resendMs: 2_000,
  resendMsMax: 30_000,
  viewsAheadMax: 1_000,
  repliesPerResendMax: 32,
  decisionsKept: 16,
});

/** @throws {ConsensusError} 'bad_setting' naming the first key out of range. */
export function validateConsensusSettings(settings: ConsensusSettings): ConsensusSettings {
  const check = (key: keyof ConsensusSettings, low: number, high: number, whole = true): void => {
    const value = settings[key];
    const fits = value >= low && value <= high && (!whole || Number.isInteger(value));
    if (!fits) {
      const expected = `${whole ? 'an integer' : 'a number'} from ${low} to ${high}`;
      throw new ConsensusError(
        { code: 'bad_setting', key },
        `consensus setting ${key}: expected ${expected}, got ${value}`,
      );
    }
  };
  check('viewTimeoutMs', 100, 600_000);
  check('viewTimeoutGrowth', 1, 4, false);
  check('viewTimeoutMsMax', settings.viewTimeoutMs, 3_600_000);
  check('silentLeaderMs', 1, 600_000);
  check('proposeAgainMs', 0, 60_000);
  check('resendMs', 50, 60_000);
  check('resendMsMax', settings.resendMs, 600_000);
  check('viewsAheadMax', 1, 10_000);
  check('repliesPerResendMax', 1, 1_000);
  check('decisionsKept', 1, 1_000);
  return settings;
}

/** T(v) = min(Tmax, T0 * growth^v), in whole milliseconds. */
export function viewTimeoutMs(settings: ConsensusSettings, view: number): number {
  const grown = settings.viewTimeoutMs * settings.viewTimeoutGrowth ** view;
  return Math.round(Math.min(settings.viewTimeoutMsMax, grown));
}
