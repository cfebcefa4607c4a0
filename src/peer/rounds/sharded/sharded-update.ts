/** The own update of a round in shards: a ciphertext for each shard, their list, and the envelope that names the list. */
import { hex } from '../../../base/index.ts';
import { bulkKeyBytes, bulkSaltBytes, digestOf } from '../../../crypto/index.ts';
import { signUpdate, type ShardPlan } from '../../../gossip/index.ts';
import { encodeShardList, shardContext } from '../../../wire/index.ts';
import { workName } from '../../housekeeping.ts';
import type { RoundContext } from '../../round-protocol.ts';
import { clampedMilli } from '../whole-update.ts';
import type { MakeUpdate } from '../own-training.ts';
import { Residual } from '../residual.ts';
import { ruleOf } from '../round-start.ts';

/** How a member of this round makes its update. */
export function shardedUpdate(context: RoundContext, { shardCount }: ShardPlan): MakeUpdate {
  const { open, stage, self: author, consortium, keys, ports, models, content } = context;
  const { sealing } = ports.crypto;
  const of = { round: open.r, kind: 'update' } as const;
  const bound = { cid: consortium.cid, round: open.r, author };
  return async ({ start, after }, trained) => {
    const [key, salt] = [sealing.randomBytes(bulkKeyBytes), sealing.randomBytes(bulkSaltBytes)];
    const own = new Residual(context);
    const residual = await own.files(hex(salt));
    const { shards, weights, clampedCount } = await ports.averager.encryptShards({
      ...{ start, after, trained, key, salt, rule: ruleOf(context) },
      layout: await models.layout(stage),
      contexts: Array.from({ length: shardCount }, (_, at) => shardContext(bound, at, shardCount)),
      ...(residual && { residual }),
      // Of its own: a peer that was stopped may still be at work here under another key.
      into: workName(open.r, `update-${hex(salt)}`),
    });
    const list = encodeShardList(shards);
    const updateBytes = shards.reduce((sum, { bytes }) => sum + bytes, 0);
    const bulk = { update: digestOf(list), updateBytes, weights };
    const envelope = await signUpdate({
      ...{ consortium, open, author, bulk, key, sealing },
      metricsMilli: { ...trained.metricsMilli, clamped: clampedMilli(clampedCount) },
      dataset: trained.dataset,
      nodeLog: await context.record.flush(),
      logSigner: keys.log,
    });
    const keep = async (): Promise<void> => {
      for (const { name, digest, bytes } of shards)
        await content.adopt(name, { digest, bytes }, of);
      await content.put(list, of, bulk.update);
      await own.keep(residual);
    };
    return { envelope, keep };
  };
}
