/** What a training worker runs: the jobs of the room that learns, over folders of this machine. */
import { workerData } from 'node:worker_threads';
import type { EngineOptions } from '../compute/index.ts';
import { HospitalJobs } from '../distill/index.ts';
import { diskStore } from '../host/index.ts';
import type { CreateHandlers } from './pool-messages.ts';

/** The pool's `data`: how each worker opens its engine. */
export type TrainingWorkerData = EngineOptions;

/** A `HospitalJobs` for the worker, and a handler for each of its jobs. */
const createHandlers: CreateHandlers = (emit) => {
  const { data } = workerData as { readonly data: TrainingWorkerData };
  const jobs = new HospitalJobs((folder) => diskStore(folder), data);
  return {
    makeCases: (args) => jobs.makeCases(args, emit),
    takeCase: (args) => jobs.takeCase(args),
    train: (args) => jobs.train(args, emit),
    label: (args) => jobs.label(args, emit),
    check: (args) => jobs.check(args),
    evaluate: (args) => jobs.evaluate(args, emit),
    transfer: (args) => jobs.transfer(args, emit),
    picture: (args) => jobs.picture(args),
    predict: (args) => jobs.predict(args, emit),
  };
};

export default createHandlers;
