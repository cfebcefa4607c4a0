/** Asks the other members before the node starts: a transport of its own, for some seconds, that listens where the node will. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger, NodeId } from '../../base/index.ts';
import type { NodeFile } from '../../config/index.ts';
import { NetworkError, openLibp2pTransport, type Libp2pTransport } from '../../network/index.ts';
import { heardClaims, type MemberClaims } from '../../peer/index.ts';
import { transportMembers } from '../../wire/index.ts';
import type { Home } from '../home.ts';
import type { AskedMembers } from './run-preflight.ts';

const quiet: Logger = { log: () => undefined };

/** Members tell what they are with every tick; theirs may be longer than this node's, so at least so long, ms. */
const listenMsMin = 2_000;
/** Between two looks whether all have been heard, ms. */
const lookMs = 50;

/**
 * Reaches out to all members at once, and listens for two ticks to what those that were reached say of themselves.
 *
 * @returns null before the home has a manifest that lists it: nobody would let it in
 * @throws {NetworkError} 'listen_failed'
 */
export async function askMembers(
  home: Home,
  settings: NodeFile,
  nowMs: () => number,
): Promise<AskedMembers | null> {
  const newest = home.manifests.at(-1);
  if (newest?.manifest.members.every(({ id }) => id !== home.id) ?? true) return null;
  const { manifest, cid } = newest as NonNullable<typeof newest>;
  const claims = new Map<NodeId, MemberClaims>();
  const transport = await started(settings, (listen) =>
    openLibp2pTransport({
      ...{ self: home.id, consortium: cid, members: transportMembers(manifest), listen },
      ...{ privateKeySeed: home.keys.transport.seed, settings: settings.network, logger: quiet },
    }).then((opened) => {
      opened.onMessage((from, topic, bytes) => {
        const heard = topic === 'status' ? heardClaims(bytes, nowMs()) : null;
        if (heard !== null) claims.set(from, heard);
        return 'ignore';
      });
      return opened;
    }),
  );
  try {
    const others = manifest.members.map(({ id }) => id).filter((id) => id !== home.id);
    const reports = await Promise.all(others.map((id) => transport.probe(id)));
    const reached = reports.filter(({ link }) => link.state === 'connected');
    const listenMs = Math.max(listenMsMin, 2 * settings.peer.tickMs);
    for (let left = listenMs; left > 0 && claims.size < reached.length; left -= lookMs) {
      await pause(lookMs);
    }
    return { reports, claims: [...claims].map(([member, said]) => ({ member, ...said })) };
  } finally {
    await transport.stop();
  }
}

/** A port that is taken is a finding of its own, and no reason to leave the members unasked: then it listens on any. */
async function started(
  { listen }: NodeFile,
  open: (listen: string) => Promise<Libp2pTransport>,
): Promise<Libp2pTransport> {
  const first = await open(listen);
  try {
    await first.start();
    return first;
  } catch (error) {
    if (!(error instanceof NetworkError) || error.code !== 'port_taken') throw error;
    const second = await open(listen.replace(/:\d+$/, ':0'));
    await second.start();
    return second;
  }
}
