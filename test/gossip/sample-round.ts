/** A consortium of eight with an open round, and updates of its members. */
import type { Digest, NodeId, RoundNumber } from '../../src/base/index.ts';
import { concatBytes, utf8 } from '../../src/base/index.ts';
import { BulkEncryption, digestOf, systemSealing } from '../../src/crypto/index.ts';
import { signUpdate, type OwnUpdate } from '../../src/gossip/index.ts';
import {
  simulatedConsortium,
  simulatedMember,
  type SimulatedMember,
} from '../../src/experiment/run/consortium.ts';
import {
  bulkContext,
  hyperparametersOf,
  type Open,
  type SignedManifest,
} from '../../src/wire/index.ts';
import { packIntegers } from '../weights/packed.ts';
import { plainImages, plainRule, sampleStage } from '../wire/sample-stage.ts';

export const members: readonly SimulatedMember[] = Array.from({ length: 8 }, (_, i) =>
  simulatedMember(1, `L${i + 1}` as NodeId, []),
);
export const ids: readonly NodeId[] = members.map(({ id }) => id);
/** L8 votes and does not train. */
const participants = ids.slice(0, 7);

const stage = sampleStage({ id: 'student', participants, rounds: 9, roundTimeoutMs: 1000 });

export const consortium: SignedManifest = simulatedConsortium(members, {
  name: 'gossip',
  domain: 'gossip.example',
  plan: {
    seed: 1,
    images: plainImages,
    stages: [stage],
  },
  limits: { updateBytesMax: 100_000 },
});

export const open: Open = {
  op: 'OPEN',
  r: 3 as RoundNumber,
  stage: 'student',
  base: digestOf(utf8('base')),
  code: digestOf(utf8('code')),
  hp: hyperparametersOf({ seed: 1 }, stage, 0),
  rule: plainRule,
  deadline: 1000,
  minParticipants: 1,
  participants,
};

export function member(id: string): SimulatedMember {
  const found = members.find((one) => one.id === id);
  if (found === undefined) throw new Error(`no member ${id}`);
  return found;
}

/** What an update of a test is made of. */
export interface SampleUpdate extends Partial<OwnUpdate> {
  readonly values?: Int32Array;
  readonly weight?: number;
  readonly heads?: Readonly<Record<string, number>>;
}

/** An update of `author`: three integers with weight 10, unless told otherwise. */
export async function updateOf(
  author: string,
  { values = Int32Array.of(1, -2, 3), weight = 10, heads = {}, ...other }: SampleUpdate = {},
): Promise<{ envelope: Uint8Array; ciphertext: Uint8Array; env: Digest; upd: Digest }> {
  const { id, keys } = member(author);
  const key = systemSealing.randomBytes(32);
  const context = bulkContext({ cid: consortium.cid, round: open.r, author: id });
  const encryption = new BulkEncryption(key, context, systemSealing.randomBytes(24));
  const ciphertext = concatBytes(encryption.push(packIntegers(values)), encryption.end());
  const upd = digestOf(ciphertext);
  const weights = { weight, heads };
  const envelope = await signUpdate({
    consortium,
    open,
    author: id,
    bulk: { update: upd, updateBytes: ciphertext.byteLength, weights },
    key,
    metricsMilli: { loss: 1500 },
    dataset: digestOf(utf8('data')),
    nodeLog: { log: 1, size: 3, root: digestOf(utf8('own log')) },
    logSigner: keys.log,
    ...other,
  });
  return { envelope, ciphertext, env: digestOf(envelope), upd };
}
