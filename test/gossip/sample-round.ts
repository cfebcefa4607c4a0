/** A consortium of eight with an open round, and updates of its members. */
import type { Digest, NodeId, RoundNumber } from '../../src/base/index.ts';
import { utf8 } from '../../src/base/index.ts';
import { digestOf } from '../../src/crypto/index.ts';
import { sealUpdate, type OwnUpdate } from '../../src/gossip/index.ts';
import {
  simulatedConsortium,
  simulatedMember,
  type SimulatedMember,
} from '../../src/experiment/run/consortium.ts';
import { hyperparametersOf, type Open, type SignedManifest } from '../../src/wire/index.ts';
import { plainRule, sampleStage } from '../wire/sample-stage.ts';

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

/** An update of `author`: three integers with weight 10, unless told otherwise. */
export async function updateOf(
  author: string,
  other: Partial<OwnUpdate> = {},
): Promise<{ envelope: Uint8Array; ciphertext: Uint8Array; env: Digest; upd: Digest }> {
  const { id, keys } = member(author);
  const sealed = await sealUpdate({
    consortium,
    open,
    author: id,
    values: Int32Array.of(1, -2, 3),
    weight: 10,
    heads: {},
    metricsMilli: { loss: 1500 },
    dataset: digestOf(utf8('data')),
    logSigner: keys.log,
    ...other,
  });
  return { ...sealed, env: digestOf(sealed.envelope), upd: digestOf(sealed.ciphertext) };
}
