/** What a repeated cut is added up with, and why it may not be possible. */
import type { NodeId } from '../base/index.ts';
import type { AveragingRule } from '../gossip/index.ts';
import type { ModelLayout } from '../weights/index.ts';
import { AuditorError } from './errors.ts';
import type { LoggedRound } from './logged-round.ts';

/** What updates are added up with. */
export interface ReplayedCut {
  readonly round: LoggedRound;
  readonly layout: ModelLayout;
  readonly rule: AveragingRule;
  /** Name in the store of the model where all began. */
  readonly start: string;
  readonly keys: ReadonlyMap<NodeId, Uint8Array>;
}

/** Says what is missing, and how to come by it. */
export function filesMissing(
  round: number,
  missing: readonly string[],
  advice: string,
): AuditorError {
  return new AuditorError(
    { code: 'files_missing', round, missing },
    `round ${round} cannot be repeated from these folders, which lack ${missing.slice(0, 5).join(', ')}` +
      `${missing.length > 5 ? ` and ${missing.length - 5} more` : ''}; ${advice}`,
  );
}

/** Why an update cannot be added up. */
export function refusal(
  member: NodeId,
  found: { readonly kind: 'wrong_key' | 'damaged' | 'bad'; readonly reason?: string },
): AuditorError {
  if (found.kind === 'wrong_key') {
    return new AuditorError(
      { code: 'wrong_key', member },
      `the key given for the update of ${member} does not open it: expected the key of this round's update; ask another member to disclose`,
    );
  }
  if (found.kind === 'damaged') return damaged(`the update of ${member}`);
  return new AuditorError(
    { code: 'bad_update', member },
    `the update of ${member} is one that every member must refuse: ${found.reason ?? ''}; a quorum that sealed it broke the rules`,
  );
}

/** A file that is not what its name says. */
export function damaged(file: string): AuditorError {
  return new AuditorError(
    { code: 'damaged_file', file },
    `${file}: its bytes do not have the digest that the log names; take it from another member's folder`,
  );
}
