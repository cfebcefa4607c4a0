/**
 * The main job: a whole consortium on this machine. Cases, peers over a real network, the plan carried out, the
 * results scored at every hospital, all logs verified. Everything the report shows comes back as a record.
 */
import { join } from 'node:path';
import type { NodeId } from '../../base/index.ts';
import { backendVariant, precisionNote } from '../../compute/index.ts';
import {
  engineOptionsOf,
  limitsOfPlan,
  membersOf,
  patchOf,
  planOf,
  type RunSettings,
  taughtTasks,
} from '../../config/index.ts';
import type { OnProgress, RunRecord } from '../../report/index.ts';
import { encodeStudent, sizeFor } from '../../distill/index.ts';
import { diskStore, lockFolder, programDigest, systemClock } from '../../host/index.ts';
import {
  eachOf,
  imagesOf,
  keepStartModel,
  openAveragingPool,
  openTrainingPool,
  specAndTasks,
  type WorkerPool,
} from '../../hospital/index.ts';
import type { ModelWeights } from '../../weights/index.ts';
import type { SignedManifest } from '../../wire/index.ts';
import { simulatedConsortium, simulatedMember } from './consortium.ts';
import type { MainJobPorts } from './job-ports.ts';
import { machineRecord } from './machine-record.ts';
import { pausedBy } from './machine-watch.ts';
import { checkKills, checkMachine, lastBlockOfAll } from './preflight.ts';
import { runClock } from './run-clock.ts';
import { caseJobs, caseTotal } from './run-cases.ts';
import { evaluateRun } from './run-evaluation.ts';
import { picturesOf } from './run-pictures.ts';
import { beginRun } from './run-file.ts';
import { RunFleet } from './run-fleet.ts';
import { mainJobParts, RunRecorder } from './run-recorder.ts';
import { readStartModels, startDigestsOf, type StartModels } from './start-models.ts';
import { untilStopped } from './until-stopped.ts';

/**
 * Runs the main job to its end, and gives the record of it. Over the folder of a run that was ended before its time,
 * by whatever, it goes on with that run and comes to the same models.
 *
 * @throws {SimulateError} when that run was begun otherwise, when this machine cannot run it, 'paused' when it fails,
 * 'cancelled' when the signal fired, from whichever phase
 */
export async function runMainJob(
  settings: RunSettings,
  ports: MainJobPorts,
  onProgress: OnProgress,
): Promise<RunRecord> {
  // A backend that is not there would fail every round at every hospital: better at once and once.
  const engine = engineOptionsOf(settings.compute);
  await backendVariant(engine);
  const note = precisionNote(engine);
  if (note !== null) onProgress({ kind: 'note', level: 'warn', text: note });
  const members = membersOf(settings);
  const { kills, outputFolder, signal } = ports;
  checkKills(kills, settings);
  const starts = await readStartModels(settings);
  const pool = openTrainingPool(engine, settings.compute.workers, settings.compute.niceness);
  const averagingPool = openAveragingPool(settings.compute.niceness);
  await checkMachine(members.length, pool.size);
  const lock = await lockFolder(outputFolder);
  try {
    const code = await programDigest();
    const clock = runClock(systemClock());
    const run = { code, kills, settings, starts: startDigestsOf(starts) };
    const { startedAtMs } = await beginRun(diskStore(outputFolder), run, clock.nowMs());
    const folderOf = (id: NodeId): string => join(outputFolder, 'nodes', id);
    const nodes = members.map((id) => ({ id, store: diskStore(folderOf(id)) }));
    // A run that goes on has one clock with what it did before.
    clock.continueFrom((await lastBlockOfAll(nodes)) ?? clock.nowMs());
    const recorder = new RunRecorder(settings, ports.id, onProgress, clock, startedAtMs);
    const consortium = foundConsortium(settings, starts);
    const during: RunRecorder['during'] = (id, title, work) =>
      recorder.during(id, title, () => untilStopped(signal, work));
    recorder.begin(consortium, mainJobParts);

    await during('data', 'cases', () =>
      makeAllCases(settings, pool, (id) => join(folderOf(id), 'cases'), recorder),
    );

    for (const { id } of consortium.manifest.members) {
      for (const start of [starts.teacher, starts.student]) {
        if (start !== null) await keepStartModel(diskStore(folderOf(id)), start);
      }
    }
    const fleet = new RunFleet({
      ...{ settings, ports, consortium, pool, averagingPool, clock, code, recorder, folderOf },
    });
    try {
      await during('network', 'peers find each other', () => fleet.start());
      await untilStopped(signal, () => fleet.untilDone());
      const models = await fleet.sealedModels();
      await saveStudent(settings, consortium, models.get('student') ?? null, outputFolder);
      await during('evaluation', 'held-out cases', async () => {
        recorder.evaluated(
          await evaluateRun({
            ...{ settings, consortium, pool, models, folderOf, recorder },
            modelOf: (stage, digest) => fleet.modelOf(stage, digest),
          }),
        );
        recorder.pictured(await picturesOf({ settings, consortium, pool, models, folderOf }));
      });
      recorder.ended(await fleet.nodeRecords());
    } finally {
      await fleet.stop();
    }
    await during('log', 'logs verified', () => fleet.verifyLogs());
    return recorder.record(await machineRecord(settings));
  } catch (error) {
    throw pausedBy(error, outputFolder);
  } finally {
    await pool.close();
    await averagingPool.close();
    await lock.release();
  }
}

/** Keys, plan and the manifest that all members sign. */
function foundConsortium(settings: RunSettings, starts: StartModels): SignedManifest {
  const plan = planOf(settings, startDigestsOf(starts));
  const members = membersOf(settings).map((id) => {
    const hospital = settings.consortium.hospitals.find((one) => one.id === id);
    const labels = taughtTasks(settings).filter((task) => (hospital?.cases[task] ?? 0) > 0);
    return simulatedMember(settings.seed, id, labels);
  });
  const { name, domain } = settings.consortium;
  return simulatedConsortium(members, { name, domain, plan, limits: limitsOfPlan(plan) });
}

async function makeAllCases(
  settings: RunSettings,
  pool: WorkerPool,
  folderOf: (id: NodeId) => string,
  recorder: RunRecorder,
): Promise<void> {
  const jobs = await caseJobs(settings, folderOf);
  const total = caseTotal(settings);
  let made = 0;
  const onCase = (): void => {
    made += 1;
    recorder.stageProgress('data', made, total, 'cases');
  };
  await eachOf(jobs, 2 * pool.size, (job) => job.run(pool, onCase));
}

/** `model/`: what `annulus predict` takes. */
async function saveStudent(
  settings: RunSettings,
  { manifest }: SignedManifest,
  weights: ModelWeights | null,
  outputFolder: string,
): Promise<void> {
  const stage = manifest.plan.stages.find(({ kind }) => kind === 'student');
  if (weights === null || stage === undefined) return;
  const { spec } = specAndTasks(stage);
  const { intensity, spacingMm } = imagesOf(manifest.plan);
  const files = encodeStudent({
    ...{ spec, weights, intensity, spacingMm },
    window: sizeFor(patchOf(settings.training), settings.phantom.shape, spec),
  });
  const store = diskStore(join(outputFolder, 'model'));
  for (const [name, bytes] of files) await store.write(name, bytes);
}
