/** What a training worker runs: the jobs of the room that learns, over folders of this machine. */
import { workerData } from 'node:worker_threads';
import type { BackendName } from '../compute/index.ts';
import { HospitalJobs } from '../distill/index.ts';
import { diskStore } from './disk-store.ts';
import type { CreateHandlers } from './pool-messages.ts';

/** The pool's `data`. */
export interface TrainingWorkerData {
  readonly backend: BackendName | 'auto';
}

const createHandlers: CreateHandlers = (emit) => {
  const { backend } = (workerData as { readonly data: TrainingWorkerData }).data;
  const jobs = new HospitalJobs((folder) => diskStore(folder), backend);
  return {
    makeCases: (args) => jobs.makeCases(args, emit),
    train: (args) => jobs.train(args, emit),
    label: (args) => jobs.label(args, emit),
    check: (args) => jobs.check(args),
    evaluate: (args) => jobs.evaluate(args, emit),
    picture: (args) => jobs.picture(args),
    predict: (args) => jobs.predict(args, emit),
  };
};

export default createHandlers;
