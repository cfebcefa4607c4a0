/** What a training worker runs: the jobs of the room that learns, over folders of this machine. */
import { workerData } from 'node:worker_threads';
import type { Store } from '../base/index.ts';
import type { EngineOptions } from '../compute/index.ts';
import { HospitalJobs } from '../distill/index.ts';
import { diskStore } from '../host/index.ts';
import { ModelJobs } from './model-jobs.ts';
import type { CreateHandlers } from './pool-messages.ts';
import { ResultJobs } from './result-jobs.ts';

/** The pool's `data`: how each worker opens its engine. */
export type TrainingWorkerData = EngineOptions;

/** A `HospitalJobs` for the worker, and a handler for each of its jobs. */
const createHandlers: CreateHandlers = (emit) => {
  const { data } = workerData as { readonly data: TrainingWorkerData };
  const openStore = (folder: string): Store => diskStore(folder);
  const jobs = new HospitalJobs(openStore, data);
  const models = new ModelJobs(jobs, openStore);
  const results = new ResultJobs(jobs, openStore);
  return {
    makeCases: (args) => jobs.makeCases(args, emit),
    takeCase: (args) => jobs.takeCase(args),
    train: (args) => jobs.train(args, emit),
    label: (args) => jobs.label(args, emit),
    initialModel: (args) => models.initialModel(args),
    trainModel: (args) => models.trainModel(args, emit),
    labelBy: (args) => models.labelBy(args, emit),
    recordsRoot: (args) => models.recordsRoot(args),
    checkModel: (args) => models.checkModel(args),
    evaluateModel: (args) => results.evaluateModel(args),
    pictureModel: (args) => results.pictureModel(args),
    packageModel: (args) => results.packageModel(args),
    evaluate: (args) => jobs.evaluate(args, emit),
    transfer: (args) => jobs.transfer(args, emit),
    picture: (args) => jobs.picture(args),
    predict: (args) => jobs.predict(args, emit),
  };
};

export default createHandlers;
