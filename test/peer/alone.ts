/** A consortium of one: its own records are the only proof of what it signed and decided. */
import type { NodeId } from '../../src/base/index.ts';
import { PeerNetwork } from './peer-network.ts';

/** L1 alone, for so many rounds. */
export function aloneFor(rounds: number): PeerNetwork {
  const stages = [{ id: 'student', participants: ['L1' as NodeId], rounds }];
  return new PeerNetwork({ members: 1, stages });
}
