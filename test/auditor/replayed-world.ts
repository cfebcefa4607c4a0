/** A consortium of four that trains in virtual time, and its round repeated from what its members stored. */
import type { NodeId } from '../../src/base/index.ts';
import { examineLog, type ExaminedLog } from '../../src/audit/index.ts';
import {
  firstOf,
  keysOfMember,
  withMemberFiles,
  type ReplayPorts,
} from '../../src/auditor/index.ts';
import type { RoundRule } from '../../src/wire/index.ts';
import { directoryOf } from '../audit/sample-log.ts';
import { MemoryStore } from '../audit/memory-store.ts';
import { PeerNetwork } from '../peer/peer-network.ts';

export const ids = ['L1', 'L2', 'L3', 'L4'] as const;

/** What each member's training adds to every parameter, and its samples. */
export const trained = {
  L1: { step: 0.5, samples: 10 },
  L2: { step: 0.25, samples: 20 },
  L3: { step: -0.25, samples: 30 },
  L4: { step: 0.125, samples: 40 },
} as const;

/** Three rounds under a rule. */
export async function trainedWorld(rule: RoundRule, rounds = 3): Promise<PeerNetwork> {
  const network = new PeerNetwork({
    members: ids.length,
    stages: [{ id: 'student', participants: [...ids] as never, rounds, rule }],
    faults: { latencyMsMax: 50 },
    minParticipants: ids.length,
  });
  for (const id of ids) Object.assign(network.node(id).trainer, trained[id]);
  await network.start();
  if (!(await network.runUntilDone())) throw new Error('the world did not end');
  return network;
}

/** The log of one of its members. */
export function logOf(network: PeerNetwork, id: string): Promise<ExaminedLog> {
  const files = [...network.node(id).store.files].filter(([name]) => name.startsWith('log/'));
  return examineLog(directoryOf(new Map(files.map(([name, bytes]) => [name.slice(4), bytes]))));
}

/** Ports over the stores of `folders`, with the key of the first. */
export function portsOf(network: PeerNetwork, folders: readonly string[]): ReplayPorts {
  const [first = 'L1'] = folders;
  const files = firstOf(folders.map((id) => network.node(id).store));
  const { seal } = network.node(first).member.keys;
  return {
    store: withMemberFiles(new MemoryStore(), files),
    keyOf: keysOfMember(first as NodeId, seal.privateKey),
    stageStart: () => Promise.resolve([{ name: 'w', shape: [4], data: new Float32Array(4) }]),
  };
}
