/** Virtual worlds that lose their quorum, and the restarts that real organisations sign for them. */
import type { NodeId } from '../../src/base/index.ts';
import type { Submission } from '../../src/peer/index.ts';
import { worldStartMs, type VirtualWorld } from '../../src/simulate/index.ts';
import { lineOf, signSuccessor } from '../../src/simulate/members.ts';
import {
  nextOf,
  restartAfter,
  type Manifest,
  type Restart,
  type SignedManifest,
} from '../../src/wire/index.ts';
import { changingWorld, memberOf } from './changing-world.ts';

/** Later than any run of a world ends. */
export const never = 1e12;

/** What the newest log of the members who remain ends with. */
export async function restartOf(world: VirtualWorld, id: NodeId): Promise<Restart> {
  const { log } = world.node(id).peer!;
  const last = (await log.decision(log.head.height))!.body;
  for (let height = log.head.height; height > 0; height--) {
    const seal = (await log.decision(height))!.body.ops.find((op) => op.op === 'SEAL');
    if (seal !== undefined) return restartAfter(last, seal.agg);
  }
  return restartAfter(last, null);
}

/** The next version with these members, as a restart, signed by the organisations of these. */
export function restartSigned(
  previous: SignedManifest,
  restart: Restart | undefined,
  ids: readonly NodeId[],
  signers: readonly NodeId[],
  changes: Partial<Manifest> = {},
): Uint8Array {
  const { plan } = previous.manifest;
  const stages = plan.stages.map((stage) => ({ ...stage, participants: ids, minParticipants: 2 }));
  const next = {
    ...{ ...nextOf(previous), members: ids.map((id) => lineOf(memberOf(id))) },
    ...{ plan: { ...plan, stages }, ...changes },
  };
  const manifest = restart === undefined ? next : { ...next, restart };
  return signSuccessor(
    manifest,
    signers.map((id) => memberOf(id).keys.org),
  );
}

export const newest = (world: VirtualWorld, ids: readonly NodeId[]): NodeId => {
  const height = (id: NodeId): number => world.node(id).peer!.log.head.height;
  return [...ids].sort((a, b) => height(b) - height(a))[0]!;
};

/** Lets so much time pass. */
export async function pass(world: VirtualWorld, ms: number): Promise<void> {
  const endMs = world.clock.nowMs() + ms;
  await world.run(endMs - worldStartMs + 1_000, () => world.clock.nowMs() >= endMs);
}

/** What a node answers to a version that its operator hands in. */
export async function submitted(
  world: VirtualWorld,
  id: NodeId,
  bytes: Uint8Array,
): Promise<Submission> {
  const answers: Submission[] = [];
  void world
    .node(id)
    .peer!.submit(bytes)
    .then((answer) => answers.push(answer));
  await world.run(never, () => answers.length > 0);
  return answers[0]!;
}

/** Four of whom two burn; the other two go on, by the signatures of three organisations, until the plan is carried out. */
export async function restartedWorld(): Promise<{
  readonly world: VirtualWorld;
  readonly restart: Restart;
}> {
  const [l1, l2, l3, l4] = ['L1', 'L2', 'L3', 'L4'] as NodeId[] as [NodeId, NodeId, NodeId, NodeId];
  const { world } = changingWorld([], 4);
  world.start();
  await world.run(never, () => world.node(l1).peer!.state.roundsSealed >= 1);
  for (const id of [l3, l4]) world.kill(id);
  await pass(world, 60_000);
  const restart = await restartOf(world, newest(world, [l1, l2]));
  const bytes = restartSigned(world.consortium, restart, [l1, l2], [l1, l2, l3]);
  for (const id of [l1, l2]) await submitted(world, id, bytes);
  await world.run(never, () => [l1, l2].every((id) => world.node(id).isDone));
  return { world, restart };
}
