/** What a node says of a restart of its consortium, and of two histories, which a restart can leave behind. */
import type { PeerEvent } from '../peer/index.ts';
import type { Notice } from './node-facts.ts';

/** Of what is said of a restart: it ends when the members change. */
export const restartCode = 'restart';

/** A restart that waits or is not taken, and a member whose log contradicts this node's. */
export function historyNotice(
  event: Extract<PeerEvent, { kind: 'restart' | 'fork' }>,
  atMs: number,
): Notice {
  return event.kind === 'restart' ? restartNotice(event, atMs) : forkNotice(event, atMs);
}

function restartNotice(
  { version, height, refusal }: Extract<PeerEvent, { kind: 'restart' }>,
  atMs: number,
): Notice {
  const what = `version ${version} of the manifest, which restarts the consortium after height ${height}`;
  if (refusal !== null) {
    const text = `${what}, is not taken: ${refusal.reason}`;
    return { code: restartCode, level: 'warning', text, remedy: refusal.advice, atMs };
  }
  return {
    ...{ code: restartCode, level: 'info', atMs },
    text: `${what}, waits until this node has come so far`,
    remedy: 'a member that has that height must run and be connected: this node gets it from there',
  };
}

function forkNotice({ member }: Extract<PeerEvent, { kind: 'fork' }>, atMs: number): Notice {
  return {
    ...{ code: `fork-${member}`, level: 'warning', atMs },
    text: `${member} has another history than this node: its signed log head contradicts this node's log`,
    remedy: `compare the two logs with annulus audit verify; after a restart of the consortium, ${member} had decided more than it named: it comes in again with a new home and annulus consortium draft --replace`,
  };
}
