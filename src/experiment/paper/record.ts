/** Everything that the table and the report show, from the results of all seeds. Pure. */
import { type RunSettings, taughtTasks } from '../../config/index.ts';
import {
  reproductionVersion,
  type DownstreamRecord,
  type ModelRecord,
  type ReproductionRecord,
} from '../../report/index.ts';
import { specAndTasks } from '../../hospital/index.ts';
import { parameterList } from '../../models/index.ts';
import { hospitalRecord, taskRecords } from '../run/run-recorder.ts';
import { arms } from './experiments.ts';
import { downstreamLandmark, downstreamSteps, downstreamTrainingCount } from './downstream.ts';
import { caseResults, downstreamFigures, groupFigures, hospitalFigures } from './figures.ts';
import { paperMedians } from './paper.ts';
import type { SeedResult } from './seed-run.ts';
import { downstreamVerdict, verdictsOf } from './verdicts.ts';

/**
 * The record of a reproduction. The same settings, backend and results give the same bytes.
 *
 * @param backend as `backendVariant` names it
 */
export function recordOf(
  settings: RunSettings,
  backend: string,
  results: readonly SeedResult[],
): ReproductionRecord {
  const seeds = results.map(({ seed }) => seed);
  const cases = caseResults(settings, results);
  const groups = groupFigures(settings, seeds, cases);
  const downstream: DownstreamRecord = {
    landmark: downstreamLandmark,
    trainingCases: downstreamTrainingCount,
    steps: downstreamSteps(settings),
    figures: downstreamFigures(results),
  };
  const { consortium, phantom, models, training, sampling, inference } = settings;
  return {
    version: reproductionVersion,
    preset: settings.preset,
    seeds,
    backend,
    tasks: taskRecords(settings),
    hospitals: consortium.hospitals.map(hospitalRecord),
    arms: arms.map(({ id, title, network }) => ({ id, title, network })),
    models: results.flatMap(modelRecords),
    groups,
    hospitalFigures: hospitalFigures(settings, cases),
    verdicts: [
      ...verdictsOf(taughtTasks(settings), seeds, groups, paperMedians),
      downstreamVerdict(seeds, downstream.figures),
    ],
    downstream,
    paper: paperMedians,
    settings: { consortium, phantom, models, training, sampling, inference },
  };
}

function modelRecords({ seed, experiments }: SeedResult): ModelRecord[] {
  return experiments.map(({ experiment, rounds }): ModelRecord => {
    const { id, arm, stage, tasks } = experiment;
    const parameters = parameterList(specAndTasks(stage).spec);
    const sizes = parameters.map(({ shape }) => shape.reduce((product, n) => product * n, 1));
    return {
      ...{ seed, id, arm: arm.id, tasks, hospitals: stage.participants },
      steps: rounds.length * stage.stepsPerRound,
      parameterCount: sizes.reduce((sum, size) => sum + size, 0),
      digest: rounds.at(-1)?.digest ?? null,
      losses: rounds.map(({ loss }) => loss),
    };
  });
}
