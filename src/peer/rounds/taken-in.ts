/** Whether a round took in what this node learnt: read from the log, so it is known after whatever crash. */
import type { NodeId } from '../../base/index.ts';
import type { ConsortiumLog } from '../../audit/index.ts';

/** Whether the round ended with a model, and an update of `self` in its last cut. @param round that is over */
export async function wasTakenIn(
  log: Pick<ConsortiumLog, 'head' | 'decision'>,
  round: number,
  self: NodeId,
): Promise<boolean> {
  let isSealed = false;
  for (let { height } = log.head; height > 0; height--) {
    const held = await log.decision(height);
    for (const op of [...(held?.body.ops ?? [])].reverse()) {
      if (op.op === 'SEAL' && op.r === round) isSealed = true;
      if (op.op === 'CUT' && op.r === round) {
        return isSealed && op.updates.some(({ peer }) => peer === self);
      }
      // The rounds before it are older still.
      if (op.op === 'OPEN' && op.r <= round) return false;
    }
  }
  return false;
}
