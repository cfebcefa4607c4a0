/**
 * One honest peer in a process of its own, as a hospital has it, with its guards against floods wide open: what is fuzzed are
 * the readers behind them. Tells its parent every second how it is; ends with code 70 when anything was not caught.
 */
import type { NodeId } from '../../src/base/index.ts';
import { simulatedMember } from '../../src/experiment/run/consortium.ts';
import type { NetworkSettings } from '../../src/network/index.ts';
import type { TestMember } from '../network/libp2p-cluster.ts';
import { consortiumOf, openPeer } from './hostile-world.ts';

/** What the parent says at first. */
export interface VictimData {
  /** Without typed arrays, which do not pass between processes: keys follow from the seed. */
  readonly ports: readonly number[];
  readonly seed: number;
  readonly folder: string;
}

/** What the victim says. */
export interface VictimReport {
  readonly sealed: number;
  readonly rssBytes: number;
  readonly heapBytes: number;
}

/** Faults are counted, but nobody is kept out for long, and nobody is held back. */
export const openGuards: Partial<NetworkSettings> = {
  senderFaultsMax: 10_000,
  hangUpMsMin: 100,
  hangUpMsMax: 100,
  messagesPerSecond: 100_000,
  senderWorkMsPerSecond: 1_000,
  senderWorkMsBurst: 60_000,
  broadcastsPerSecond: 1_000,
  broadcastBurst: 10_000,
};

/** The members, with keys from the seed. */
export function fuzzMembers(seed: number, ports: readonly number[]): TestMember[] {
  return ports.map((port, at): TestMember => {
    const { id, keys } = simulatedMember(seed, `L${at + 1}` as NodeId, []);
    const { publicKey: transportKey, seed: keySeed } = keys.transport;
    return { id, port, transportKey, seed: keySeed, addresses: [`127.0.0.1:${port}`] };
  });
}

for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error: unknown) => {
    process.stderr.write(
      `${event}: ${error instanceof Error ? String(error.stack) : String(error)}\n`,
    );
    process.exit(70);
  });
}

if (process.send !== undefined) {
  process.once('message', (data: VictimData) => {
    void run(data);
  });
}

async function run({ ports, seed, folder }: VictimData): Promise<void> {
  const members = fuzzMembers(seed, ports);
  const keyed = members.map(({ id }) => simulatedMember(seed, id, []));
  const { keys, id } = keyed[0]!;
  const honest = await openPeer({
    ...{ consortium: consortiumOf(keyed), members, id, folder, network: openGuards },
    keys: { ...keys, sealPrivate: keys.seal.privateKey },
  });
  await honest.peer.start();
  setInterval(() => {
    const { rss: rssBytes, heapUsed: heapBytes } = process.memoryUsage();
    process.send?.({ sealed: honest.sealed, rssBytes, heapBytes } satisfies VictimReport);
  }, 1_000);
}
