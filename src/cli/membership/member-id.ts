/** The name of a member, as it is typed. */
import { parseNodeId, printableLine, type NodeId } from '../../base/index.ts';
import { usageError } from '../errors.ts';

/** @throws {CliError} 'usage' */
export function readId(text: string): NodeId {
  const id = parseNodeId(text);
  if (id !== null) return id;
  throw usageError(
    `name of a member: expected 1 to 32 letters, digits or dashes, got "${printableLine(text.slice(0, 60))}"`,
  );
}
