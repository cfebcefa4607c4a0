/** Whether the node of a home runs, by its control socket. */
import type { NodeState } from '../../node/index.ts';

/** A node that works answers a question about its state in milliseconds. */
export const answerMsMax = 5_000;
/** Whether the node of a home runs and answers. */
export async function nodeStateAt(socket: string): Promise<NodeState> {
  const { askControl } = await import('../../host/index.ts');
  const signal = AbortSignal.timeout(answerMsMax);
  try {
    await askControl(socket, { method: 'GET', path: '/status' }, signal);
    return 'running';
  } catch {
    return signal.aborted ? 'silent' : 'off';
  }
}
