/** Whether this process does its work: what `/healthz` answers, and containers and supervisors ask. */
import type { NodeView } from './node-view.ts';

/** Not healthy has a reason, in words. */
export interface Health {
  readonly isHealthy: boolean;
  /** Empty of a healthy node. */
  readonly reasons: readonly string[];
}

/**
 * Errors of this node alone: a restart can help with them. Members that are away are no reason, or a network cut would have
 * every supervisor restart every node.
 */
export function healthOf({ identity, notices }: NodeView): Health {
  const starting = identity === null ? ['the node is still starting'] : [];
  const errors = notices.filter(({ level }) => level === 'error').map(({ text }) => text);
  const reasons = [...starting, ...errors];
  return { isHealthy: reasons.length === 0, reasons };
}
