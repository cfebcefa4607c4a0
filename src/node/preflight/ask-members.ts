/** Asks the other members before the node starts: a transport of its own, for some seconds, that listens where the node will. */
import type { Logger } from '../../base/index.ts';
import type { NodeFile } from '../../config/index.ts';
import { openLibp2pTransport } from '../../network/index.ts';
import { transportMembers } from '../../wire/index.ts';
import type { Home } from '../home.ts';
import type { AskedMembers } from './run-preflight.ts';

const quiet: Logger = { log: () => undefined };

/**
 * Reaches out to all members at once.
 *
 * @returns null before the home has a manifest that lists it: nobody would let it in
 * @throws {NetworkError} 'port_taken' or 'listen_failed'
 */
export async function askMembers(home: Home, settings: NodeFile): Promise<AskedMembers | null> {
  const newest = home.manifests.at(-1);
  if (newest?.manifest.members.every(({ id }) => id !== home.id) ?? true) return null;
  const { manifest, cid } = newest as NonNullable<typeof newest>;
  const transport = await openLibp2pTransport({
    ...{ self: home.id, consortium: cid, members: transportMembers(manifest) },
    ...{ privateKeySeed: home.keys.transport.seed, listen: settings.listen },
    ...{ settings: settings.network, logger: quiet },
  });
  await transport.start();
  try {
    const others = manifest.members.map(({ id }) => id).filter((id) => id !== home.id);
    const reports = await Promise.all(others.map((id) => transport.probe(id)));
    return { reports, aheadMs: [], versions: [], programs: [] };
  } finally {
    await transport.stop();
  }
}
