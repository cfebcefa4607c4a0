/** Reads the status that another process of this machine gives, as `annulus status` does. */
import { DashboardError } from './errors.ts';
import { statusVersion, type NodeStatus } from './node-status.ts';

const lists = ['members', 'rounds', 'losses', 'errors', 'messages', 'journal', 'witnesses'];
const parts = ['node', 'consortium', 'health', 'roundCounts'];

/**
 * The status in the body of `/status.json`. Its form is checked no deeper than its first level: it comes from the own node.
 *
 * @throws {DashboardError} 'bad_status'
 */
export function readStatus(text: string): NodeStatus {
  const value = parsed(text);
  if (!isObject(value)) throw badStatus('a JSON object');
  if (value.version !== statusVersion) {
    throw badStatus(`version ${statusVersion}: is the node of another version than this program?`);
  }
  for (const key of lists) if (!Array.isArray(value[key])) throw badStatus(`a list "${key}"`);
  for (const key of parts) if (!isObject(value[key])) throw badStatus(`an object "${key}"`);
  return value as unknown as NodeStatus;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw badStatus('JSON');
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function badStatus(expected: string): DashboardError {
  return new DashboardError({ code: 'bad_status' }, `expected the status of a node: ${expected}`);
}
