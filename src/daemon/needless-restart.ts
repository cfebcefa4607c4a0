/** A restart of the consortium where nothing is lost: it would split those who take it from those who go on. */
import type { NodeView } from '../dashboard/index.ts';
import type { Submission } from '../peer/index.ts';
import { openManifest, WireError, type Manifest } from '../wire/index.ts';

/** Why a restart is not handed to the node while a quorum is connected; null for everything else. */
export function needlessRestart(
  bytes: Uint8Array,
  { members, identity }: Pick<NodeView, 'members' | 'identity'>,
): Submission | null {
  const restart = restartIn(bytes);
  if (restart === undefined || identity === null) return null;
  const up = 1 + members.filter(({ link }) => link?.state === 'connected').length;
  if (up < identity.quorum) return null;
  return {
    kind: 'refused',
    reason: `it is a restart, and ${up} of ${members.length} members are connected, of whom ${identity.quorum} can decide: nothing is lost`,
    advice:
      'change the members by an ordinary version; where members are connected and must not vote any more, say --despite-quorum',
  };
}

function restartIn(bytes: Uint8Array): Manifest['restart'] {
  try {
    return openManifest(bytes).manifest.restart;
  } catch (error) {
    if (error instanceof WireError) return undefined; // the node says why
    throw error;
  }
}
