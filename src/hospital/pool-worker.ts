/** The thread side of `WorkerPool`: loads the entry module and runs one job at a time. */
import { parentPort, workerData, type MessagePort, type Transferable } from 'node:worker_threads';
import { invariant, messageOf } from '../base/index.ts';
import { machineFault, makeThreadNice } from '../host/index.ts';
import type {
  CreateHandlers,
  FromWorker,
  JobHandlers,
  PoolWorkerData,
  ToWorker,
} from './pool-messages.ts';

invariant(parentPort !== null, 'this module runs in a worker thread');
const { entry, niceness } = workerData as PoolWorkerData;
// Before the entry starts threads of its own, which inherit it.
makeThreadNice(niceness);
await serve(parentPort, entry);

async function serve(port: MessagePort, entry: string): Promise<void> {
  let running: { readonly job: number; readonly controller: AbortController } | null = null;
  const say = (message: FromWorker, transfer: readonly Transferable[] = []): void => {
    port.postMessage(message, transfer);
  };
  const module = (await import(entry)) as { default: CreateHandlers };
  const handlers = await module.default((value, transfer) => {
    if (running !== null) say({ kind: 'progress', job: running.job, value }, transfer);
  });
  port.on('message', (message: ToWorker) => {
    if (message.kind === 'cancel') {
      if (running?.job === message.job) running.controller.abort();
      return;
    }
    const { job } = message;
    const controller = new AbortController();
    running = { job, controller };
    const handedOver: Transferable[] = [];
    const context = {
      signal: controller.signal,
      transfer: (...buffers: Transferable[]): void => {
        handedOver.push(...buffers);
      },
    };
    runJob(handlers, message.method, message.args, context)
      .then((result) => {
        running = null;
        say({ kind: 'done', job, result }, handedOver);
      })
      .catch((error: unknown) => {
        running = null;
        const cause = error instanceof Error ? (error.stack ?? '') : '';
        const fault = machineFault(error)?.facts ?? null;
        say({ kind: 'failed', job, reason: messageOf(error), cause, fault });
      });
  });
}

async function runJob(
  handlers: JobHandlers,
  method: string,
  args: unknown,
  context: Parameters<JobHandlers[string]>[1],
): Promise<unknown> {
  const handler = Object.hasOwn(handlers, method) ? handlers[method] : undefined;
  if (handler === undefined) throw new RangeError(`the entry module has no method ${method}`);
  return handler(args as never, context);
}
