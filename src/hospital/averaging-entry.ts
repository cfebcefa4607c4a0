/** What the averaging worker runs: the heavy work of rounds, over the folders of this machine's nodes. */
import type { Store } from '../base/index.ts';
import { diskStore } from '../host/index.ts';
import { inlineAverager, type Averager } from '../peer/index.ts';
import type { CreateHandlers } from './pool-messages.ts';

/** Arguments of each method. */
export interface AveragingArgs<Method extends keyof Averager> {
  /** The node's folder. */
  readonly folder: string;
  readonly job: Parameters<Averager[Method]>[0];
}

/** A handler for each method of `Averager`. */
const createHandlers: CreateHandlers = () => {
  const stores = new Map<string, Store>();
  const over = (folder: string): Averager => {
    const store = stores.get(folder) ?? diskStore(folder);
    stores.set(folder, store);
    return inlineAverager(store);
  };
  return {
    start: ({ folder, job }: AveragingArgs<'start'>) => over(folder).start(job),
    carry: ({ folder, job }: AveragingArgs<'carry'>) => over(folder).carry(job),
    encrypt: ({ folder, job }: AveragingArgs<'encrypt'>) => over(folder).encrypt(job),
    check: ({ folder, job }: AveragingArgs<'check'>) => over(folder).check(job),
    average: ({ folder, job }: AveragingArgs<'average'>) => over(folder).average(job),
    encryptShards: ({ folder, job }: AveragingArgs<'encryptShards'>) =>
      over(folder).encryptShards(job),
    reduce: ({ folder, job }: AveragingArgs<'reduce'>) => over(folder).reduce(job),
    assemble: ({ folder, job }: AveragingArgs<'assemble'>) => over(folder).assemble(job),
    beginMixing: ({ folder, job }: AveragingArgs<'beginMixing'>) => over(folder).beginMixing(job),
    encryptState: ({ folder, job }: AveragingArgs<'encryptState'>) =>
      over(folder).encryptState(job),
    mixStep: ({ folder, job }: AveragingArgs<'mixStep'>) => over(folder).mixStep(job),
    checkState: ({ folder, job }: AveragingArgs<'checkState'>) => over(folder).checkState(job),
    endMixing: ({ folder, job }: AveragingArgs<'endMixing'>) => over(folder).endMixing(job),
    compare: ({ folder, job }: AveragingArgs<'compare'>) => over(folder).compare(job),
  };
};

export default createHandlers;
