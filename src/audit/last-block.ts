/** When the newest block in a node's log was made, without opening the log: for whoever asks before anything starts. */
import { fromUtf8, type Store } from '../base/index.ts';
import { logPrefix } from './log-files.ts';

/** Milliseconds since 1970; null where there is no block, or none that can be read: the log's own reader says what is wrong. */
export async function lastBlockMs(store: Pick<Store, 'list' | 'read'>): Promise<number | null> {
  const prefix = `${logPrefix}decisions/`;
  const heights = (await store.list(prefix)).map((name) => parseInt(name.slice(prefix.length), 10));
  if (heights.length === 0) return null;
  const bytes = await store.read(`${prefix}${Math.max(...heights)}.json`);
  try {
    const { body } = JSON.parse(fromUtf8(bytes ?? new Uint8Array())) as { body?: { ts?: unknown } };
    return typeof body?.ts === 'number' ? body.ts : null;
  } catch {
    return null;
  }
}
