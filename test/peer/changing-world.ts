/** A virtual world of real keys whose members change: what the office of a simulation drafts, real organisations sign. */
import type { NodeId } from '../../src/base/index.ts';
import { logPrefix } from '../../src/audit/index.ts';
import { systemCrypto } from '../../src/crypto/index.ts';
import {
  simulatedConsortium,
  simulatedMember,
  type SimulatedMember,
} from '../../src/experiment/run/consortium.ts';
import type { PeerEvent } from '../../src/peer/index.ts';
import {
  memberNames,
  quadraticTrainer,
  seededQuadratics,
  virtualLimits,
  virtualPlan,
  VirtualWorld,
  type Fault,
  type MembershipChange,
} from '../../src/simulate/index.ts';
import { verifySuccessor, type PlanStage } from '../../src/wire/index.ts';

/** A member with the keys that were drawn for it so often anew. */
export function memberOf(id: NodeId, generation = { node: 0, org: 0 }): SimulatedMember {
  const { keys } = simulatedMember(1 + 100 * generation.node, id, []);
  const { org } = simulatedMember(1 + 100 * generation.org, id, []).keys;
  return { id, labels: [], keys: { ...keys, org } };
}

export interface ChangingWorld {
  readonly world: VirtualWorld;
  readonly events: Map<NodeId, PeerEvent[]>;
}

/** Founders, L1 to L4 unless told otherwise, who train for so many rounds. */
export function changingWorld(
  changes: readonly MembershipChange[],
  rounds: number,
  faults: readonly Fault[] = [],
  founders: readonly NodeId[] = memberNames(4),
  stage: Partial<PlanStage> = {},
): ChangingWorld {
  const everybody = [...new Set([...founders, ...changes.map(({ node }) => node)])];
  const quadratics = seededQuadratics(1, everybody);
  const events = new Map<NodeId, PeerEvent[]>(everybody.map((id) => [id, []]));
  const consortium = simulatedConsortium(
    founders.map((id) => memberOf(id)),
    {
      ...{ name: 'changing', domain: 'changing.example', limits: virtualLimits },
      plan: virtualPlan({ participants: founders, rounds, ...stage }),
    },
  );
  const world = new VirtualWorld({
    ...{ seed: 1, consortium, faults, crypto: systemCrypto },
    keysOf: () => {
      throw new Error('the office knows the keys');
    },
    membership: { changes, memberOf, succeed: verifySuccessor },
    trainerOf: (id, clock, store) => {
      const training = { ...quadratics.get(id)!, share: 0.5, durationMs: () => 1_000 };
      return quadraticTrainer(id, clock, store, training);
    },
    onEvent: (id, event) => events.get(id)!.push(event),
  });
  return { world, events };
}

/** The files under `log/` of a node, by name. */
export function logFilesOf(world: VirtualWorld, id: NodeId): Map<string, Uint8Array> {
  const files = [...world.node(id).disk.files].filter(([name]) => name.startsWith(logPrefix));
  return new Map(files.map(([name, bytes]) => [name.slice(logPrefix.length), bytes]));
}
