/** What a node's process tells of itself at the start and when its members change. */
import type { Clock, Digest } from '../base/index.ts';
import type { NodeFile } from '../config/index.ts';
import type { NodeEvent } from '../dashboard/index.ts';
import type { HomeFacts } from '../node/index.ts';
import { quorumOf, type SignedManifest } from '../wire/index.ts';

/** Whose process it is. */
export interface StartedNode {
  readonly home: Pick<HomeFacts, 'id'>;
  readonly program: { readonly version: string; readonly code: Digest };
  readonly settings: Pick<NodeFile, 'peer'>;
  readonly clock: Clock;
}

/** The first fact of a node. */
export function startedFact(
  { home, program, clock, settings }: StartedNode,
  { cid, manifest }: SignedManifest,
): NodeEvent {
  return {
    ...{ kind: 'started', self: home.id, ...program, atMs: clock.nowMs() },
    ...{ manifestVersion: manifest.version, clockSkewMs: settings.peer.clockSkewMs },
    consortium: { id: cid, name: manifest.name },
    members: manifest.members.map((member) => ({ id: member.id, addresses: member.addresses })),
    quorum: quorumOf(manifest.members.length),
    stages: manifest.plan.stages.map(({ id: stage, task, rounds }) => ({
      ...{ id: stage, task: task ?? null, rounds },
    })),
  };
}

/** Other members are in force. */
export function membersFact({ manifest }: SignedManifest, height: number, atMs: number): NodeEvent {
  return {
    ...{ kind: 'members', height, atMs },
    members: manifest.members.map(({ id, addresses }) => ({ id, addresses })),
    quorum: quorumOf(manifest.members.length),
  };
}
