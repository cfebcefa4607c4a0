/** How much of a node's past its view keeps: the page and the metrics cost the same after a month as after an hour. */

type LimitName =
  | 'rounds'
  | 'curvePoints'
  | 'journal'
  | 'notices'
  | 'formerMembers'
  | 'textLength'
  | 'pictureBytes';

/** Numbers of entries, of characters and of bytes. */
export const viewLimits: Readonly<Record<LimitName, number>> = Object.freeze({
  /** Ended rounds with all that is known of them. */
  rounds: 100,
  /** Points of the losses, and of the errors, over the rounds. */
  curvePoints: 2_000,
  journal: 100,
  notices: 50,
  formerMembers: 64,
  /** Longest text of a notice, a caption or a reason. */
  textLength: 400,
  /** Largest picture of a prediction. */
  pictureBytes: 4 * 1024 * 1024,
});

/** The last `count` of `list`. */
export function bounded<T>(list: readonly T[], count: number): readonly T[] {
  return list.length <= count ? list : list.slice(-count);
}
