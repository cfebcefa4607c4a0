/**
 * One model's rounds, as the hospitals of a consortium would train them: the same jobs, the same seeds, the same average,
 * and no network, which changes no number. After every round the model and each hospital's moments go to the disk.
 */
import { deserialize, serialize } from 'node:v8';
import type { Digest, NodeId, Store } from '../../base/index.ts';
import type { JobProgress, OptimiserState, RoundTrained, TrainArgs } from '../../distill/index.ts';
import {
  eachOf,
  roundTraining,
  stageWeights,
  type CasesAt,
  type WorkerPool,
} from '../../hospital/index.ts';
import { modelDigest, type ModelWeights } from '../../weights/index.ts';
import {
  averagingRule,
  roundAverage,
  roundStart,
  roundUpdate,
  type AveragingRule,
} from '../../gossip/index.ts';
import { hyperparametersOf } from '../../wire/index.ts';
import type { Experiment } from './experiments.ts';

/** An experiment after some rounds. */
export interface ExperimentState {
  readonly weights: ModelWeights;
  /** The model before the last round, or null: an outer momentum is the step from there. */
  readonly before: ModelWeights | null;
  /** Moments of each participant; empty after the last round, which nothing follows. */
  readonly states: ReadonlyMap<NodeId, OptimiserState>;
  readonly rounds: readonly TrainedRound[];
}

/** A round that was trained. */
export interface TrainedRound {
  /** SHA-256 of the model after the round; a consortium seals the same. */
  readonly digest: Digest;
  /** Mean of the participants' training losses. */
  readonly loss: number;
}

/** What all experiments of a seed share. */
export interface ExperimentOptions {
  readonly seed: number;
  readonly pool: Pick<WorkerPool, 'run'>;
  /** For the state after each round. */
  readonly store: Store;
  /** Members of the consortium. */
  readonly memberCount: number;
  readonly casesOf: (hospital: NodeId) => CasesAt;
  /** So many optimiser steps were made just now, at one hospital. */
  readonly onSteps: (count: number) => void;
  /** So many steps were made in an earlier run. */
  readonly onFound: (count: number) => void;
}

/** Trains from where the disk says the experiment is to its end. */
export async function trainExperiment(
  experiment: Experiment,
  options: ExperimentOptions,
): Promise<ExperimentState> {
  const { stage } = experiment;
  const name = `experiments/${experiment.id}`;
  const bytes = await options.store.read(name);
  // Written by this program alone, and whole: the store replaces files at once.
  let state =
    bytes === null ? firstState(experiment, options) : (deserialize(bytes) as ExperimentState);
  options.onFound(state.rounds.length * stage.stepsPerRound * stage.participants.length);
  while (state.rounds.length < stage.rounds) {
    state = await trainNextRound(experiment, state, options);
    await options.store.write(name, serialize(state));
  }
  return state;
}

function firstState({ stage }: Experiment, { seed }: ExperimentOptions): ExperimentState {
  return { weights: stageWeights({ seed }, stage), before: null, states: new Map(), rounds: [] };
}

async function trainNextRound(
  { arm, stage, firstRound }: Experiment,
  { weights: base, before, states, rounds }: ExperimentState,
  { seed, pool, memberCount, casesOf, onSteps }: ExperimentOptions,
): Promise<ExperimentState> {
  const roundsDone = rounds.length;
  const hp = hyperparametersOf({ seed }, stage, roundsDone);
  const isAlone = arm.regime === 'local';
  const rule = averagingRule(stage.rule, memberCount);
  const start = isAlone ? base : roundStart(base, before, rule.outerMomentum);
  const job = { stage, round: firstRound + roundsDone, hp };
  const trained = await eachOf(stage.participants, Infinity, (hospital) => {
    const state = states.get(hospital) ?? null;
    const args: TrainArgs = {
      ...roundTraining(job, hospital, casesOf(hospital)),
      ...{ weights: start, state: hp.resetOptimiser ? null : state },
    };
    let told = 0;
    const onProgress = (value: unknown): void => {
      const { done } = value as JobProgress;
      onSteps(done - told);
      told = done;
    };
    return pool.run('train', args, { onProgress }) as Promise<RoundTrained>;
  });
  const weights = isAlone ? own(trained) : averageOf(start, trained, rule);
  const isLast = roundsDone + 1 === stage.rounds;
  const kept = stage.participants.map((hospital, n) => [hospital, trained[n]?.state] as const);
  return {
    weights,
    before: base,
    states: new Map(isLast ? [] : (kept as [NodeId, OptimiserState][])),
    rounds: [...rounds, { digest: modelDigest(weights), loss: meanLoss(trained) }],
  };
}

/** A lone hospital goes on with what it trained: nothing is cut, rounded or averaged. */
function own([trained]: readonly RoundTrained[]): ModelWeights {
  return trained?.weights ?? [];
}

function averageOf(
  base: ModelWeights,
  trained: readonly RoundTrained[],
  rule: AveragingRule,
): ModelWeights {
  const updates = trained.map((one) => roundUpdate(one.weights, base, one, rule));
  return roundAverage(base, updates, rule);
}

function meanLoss(trained: readonly RoundTrained[]): number {
  return trained.reduce((sum, { loss }) => sum + loss, 0) / trained.length;
}
