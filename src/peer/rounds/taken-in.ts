/** What became of a node's update in a round that is over: read from the log, so it is known after whatever crash. */
import type { NodeId } from '../../base/index.ts';
import type { ConsortiumLog } from '../../audit/index.ts';

/** In the last cut of a round that was sealed; in that of one that ended without a model; or in none. */
export type UpdateFate = 'sealed' | 'cut' | 'left-out';

/** What became of the update of `self`. @param round that is over */
export async function fateOfUpdate(
  log: Pick<ConsortiumLog, 'head' | 'decision'>,
  round: number,
  self: NodeId,
): Promise<UpdateFate> {
  let isSealed = false;
  for (let { height } = log.head; height > 0; height--) {
    const held = await log.decision(height);
    for (const op of [...(held?.body.ops ?? [])].reverse()) {
      if (op.op === 'SEAL' && op.r === round) isSealed = true;
      if (op.op === 'CUT' && op.r === round) {
        if (!op.updates.some(({ peer }) => peer === self)) return 'left-out';
        return isSealed ? 'sealed' : 'cut';
      }
      // The rounds before it are older still.
      if (op.op === 'OPEN' && op.r <= round) return 'left-out';
    }
  }
  return 'left-out';
}
