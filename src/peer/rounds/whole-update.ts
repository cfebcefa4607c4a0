/** The own update as a whole: one ciphertext, and the envelope that names it. */
import { hex } from '../../base/index.ts';
import { bulkKeyBytes, bulkSaltBytes } from '../../crypto/index.ts';
import { signUpdate } from '../../gossip/index.ts';
import { bulkContext } from '../../wire/index.ts';
import { workName } from '../housekeeping.ts';
import type { RoundContext } from '../round-protocol.ts';
import type { MakeUpdate } from './own-training.ts';
import { Residual } from './residual.ts';
import { ruleOf } from './round-start.ts';

/** How a member makes its update where others need all of it, or nobody. */
export function wholeUpdate(context: RoundContext): MakeUpdate {
  const { open, stage, self: author, consortium, keys, ports, models, content } = context;
  const { sealing } = ports.crypto;
  return async ({ start, after }, trained) => {
    const [key, salt] = [sealing.randomBytes(bulkKeyBytes), sealing.randomBytes(bulkSaltBytes)];
    const own = new Residual(context);
    const residual = await own.files(hex(salt));
    // Of its own: a peer that was stopped may still be at work here under another key.
    const name = workName(open.r, `update-${hex(salt)}`);
    const bulk = await ports.averager.encrypt({
      ...{ start, after, trained, key, salt, rule: ruleOf(context) },
      layout: await models.layout(stage),
      context: bulkContext({ cid: consortium.cid, round: open.r, author }),
      ...(residual && { residual }),
      into: name,
    });
    const envelope = await signUpdate({
      ...{ consortium, open, author, bulk, key, sealing },
      metricsMilli: { ...trained.metricsMilli, clamped: clampedMilli(bulk.clampedCount) },
      dataset: trained.dataset,
      nodeLog: await context.record.flush(),
      logSigner: keys.log,
    });
    const written = { digest: bulk.update, bytes: bulk.updateBytes };
    const keep = async (): Promise<void> => {
      await content.adopt(name, written, { round: open.r, kind: 'update' });
      await own.keep(residual);
    };
    return { envelope, keep };
  };
}

/** How many parameters were clamped, as a metric: times 1000, in 32 bits. */
export function clampedMilli(clampedCount: number): number {
  return Math.min(clampedCount, 2_000_000) * 1000;
}
