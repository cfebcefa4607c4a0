/**
 * The main job: a whole consortium on this machine. Phantoms, peers over a real network, the plan carried out, the
 * results scored at every hospital, all logs verified. Everything the report shows comes back as a record.
 */
import { join } from 'node:path';
import type { NodeId } from '../base/index.ts';
import { backendVariant } from '../compute/index.ts';
import type { HospitalSettings, RunSettings } from '../config/index.ts';
import type { OnProgress, RunRecord } from '../dashboard/index.ts';
import {
  caseCount,
  encodeStudent,
  intensityDefaults,
  sizeFor,
  type MakeCasesArgs,
} from '../distill/index.ts';
import {
  diskStore,
  HospitalTrainer,
  openTrainingPool,
  programDigest,
  specAndTasks,
  type WorkerPool,
} from '../node/index.ts';
import { parameterCount, type ModelWeights } from '../weights/index.ts';
import type { SignedManifest } from '../wire/index.ts';
import { simulatedConsortium, simulatedMember } from './consortium.ts';
import type { MainJobPorts } from './job-ports.ts';
import { evaluateRun } from './run-evaluation.ts';
import { picturesOf } from './run-pictures.ts';
import { RunFleet } from './run-fleet.ts';
import { limitsOf, membersOf, patchOf, planOf, taughtTasks } from './run-plan.ts';
import { RunRecorder } from './run-recorder.ts';

/** Runs the main job to its end, and gives the record of it. */
export async function runMainJob(
  settings: RunSettings,
  ports: MainJobPorts,
  onProgress: OnProgress,
): Promise<RunRecord> {
  // A backend that is not there would fail every round at every hospital: better at once and once.
  await backendVariant(settings.compute.backend as 'auto');
  const pool = openTrainingPool(settings.compute.backend as 'auto', settings.compute.workers);
  const recorder = new RunRecorder(settings, ports.id, onProgress);
  try {
    const consortium = await foundConsortium(settings, pool);
    const folderOf = (id: NodeId): string => join(ports.outputFolder, 'nodes', id);
    recorder.begin(consortium);

    await recorder.during('data', 'phantoms', () =>
      makeAllCases(settings, pool, (id) => join(folderOf(id), 'cases'), recorder),
    );

    const code = await programDigest();
    const fleet = new RunFleet({ settings, ports, consortium, pool, code, recorder, folderOf });
    try {
      await recorder.during('network', 'peers find each other', () => fleet.start());
      await fleet.untilDone();
      const models = await fleet.sealedModels();
      await saveStudent(settings, consortium, models.get('student') ?? null, ports.outputFolder);
      await recorder.during('evaluation', 'held-out cases', async () => {
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
    await recorder.during('log', 'logs verified', () => fleet.verifyLogs());
    return await recorder.record();
  } finally {
    await pool.close();
  }
}

/** Keys, plan and the manifest that all members sign. */
async function foundConsortium(settings: RunSettings, pool: WorkerPool): Promise<SignedManifest> {
  const plan = planOf(settings);
  const members = membersOf(settings).map((id) => {
    const hospital = settings.consortium.hospitals.find((one) => one.id === id);
    const labels = taughtTasks(settings).filter((task) => (hospital?.cases[task] ?? 0) > 0);
    return simulatedMember(settings.seed, id, labels);
  });
  const trainer = new HospitalTrainer({
    ...{ hospital: 'plan', folder: '', plan, pool, siteKey: new Uint8Array(32) },
    intensity: intensityDefaults,
    inference: settings.inference,
  });
  const counts = await Promise.all(
    plan.stages.map(async (stage) => parameterCount(await trainer.initialWeights(stage))),
  );
  const { name, domain } = settings.consortium;
  const limits = limitsOf(settings, Math.max(...counts));
  return simulatedConsortium(members, { name, domain, plan, limits });
}

/** A job for a few cases at a time, so that all workers stay busy to the end. */
const casesPerJob = 4;

async function makeAllCases(
  settings: RunSettings,
  pool: WorkerPool,
  folderOf: (id: NodeId) => string,
  recorder: RunRecorder,
): Promise<void> {
  const { seed, phantom, training, consortium } = settings;
  const total = consortium.hospitals.reduce((sum, hospital) => sum + caseCount(hospital), 0);
  let made = 0;
  const jobs = consortium.hospitals.flatMap((hospital: HospitalSettings) => {
    const count = caseCount(hospital);
    return Array.from({ length: Math.ceil(count / casesPerJob) }, (_, part) => {
      const args: MakeCasesArgs = {
        folder: folderOf(hospital.id as NodeId),
        intensity: intensityDefaults,
        generation: 'expert',
        hospital,
        from: part * casesPerJob,
        to: Math.min(count, (part + 1) * casesPerJob),
        seed,
        phantom,
        pointRadiusMm: training.pointRadiusMm,
      };
      return pool.run('makeCases', args, {
        onProgress: () => {
          made += 1;
          recorder.stageProgress('data', made, total, 'phantoms');
        },
      });
    });
  });
  await Promise.all(jobs);
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
  const files = encodeStudent({
    spec,
    weights,
    intensity: intensityDefaults,
    spacingMm: settings.phantom.spacingMm,
    window: sizeFor(patchOf(settings.training), settings.phantom.shape, spec),
  });
  const store = diskStore(join(outputFolder, 'model'));
  for (const [name, bytes] of files) await store.write(name, bytes);
}
