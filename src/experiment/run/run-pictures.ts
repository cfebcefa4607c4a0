/** Slices of two held-out cases and of the real CT, with what the student found on them. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { NodeId } from '../../base/index.ts';
import { holdersOf, membersOf, patchOf, type RunSettings } from '../../config/index.ts';
import type { SlicePicture } from '../../report/index.ts';
import { decodeMarkups, decodeNifti, plausibilityText, toRas } from '../../data/index.ts';
import {
  heartUseOf,
  heldOutScene,
  sizeFor,
  type CtPrediction,
  type Mark,
  type PictureArgs,
  type PicturedCase,
} from '../../distill/index.ts';
import { packageFile } from '../../host/index.ts';
import { imagesOf, specAndTasks, type WorkerPool } from '../../hospital/index.ts';
import { modelDigest, type ModelWeights } from '../../weights/index.ts';
import type { SignedManifest } from '../../wire/index.ts';
import { picturesOfScene, type TitledScene } from './slice-planes.ts';

/** The run to show: its models and where hospitals keep their cases. */
export interface PicturesOptions {
  readonly settings: RunSettings;
  readonly consortium: SignedManifest;
  readonly pool: WorkerPool;
  readonly models: ReadonlyMap<string, ModelWeights>;
  readonly folderOf: (id: NodeId) => string;
}

/** Slices of held-out cases and of the sample CT; none where the run has no student. */
export async function picturesOf(options: PicturesOptions): Promise<SlicePicture[]> {
  const scenes = [...(await heldOutScenes(options)), ...(await sampleScene(options))];
  return scenes.flatMap(picturesOfScene);
}

/** One case of a hospital that never labelled points, one of a hospital that did. */
async function heldOutScenes(options: PicturesOptions): Promise<TitledScene[]> {
  const { settings, consortium, pool, models, folderOf } = options;
  const stage = consortium.manifest.plan.stages.find(({ kind }) => kind === 'student');
  const weights = models.get('student');
  if (stage === undefined || weights === undefined) return [];
  const members = membersOf(settings);
  const holders = holdersOf(settings, 'hps');
  const other = members.find((id) => !holders.includes(id));
  const chosen = [other, holders[0]].filter((id) => id !== undefined);
  const scenes: TitledScene[] = [];
  for (const id of chosen) {
    const args: PictureArgs = {
      folder: join(folderOf(id), 'cases'),
      intensity: imagesOf(consortium.manifest.plan).intensity,
      generation: 'test',
      spec: specAndTasks(stage).spec,
      weights,
      inference: { ...settings.inference, window: patchOf(settings.training) },
      caseIndex: 0,
    };
    const pictured = (await pool.run('picture', args)) as PicturedCase | null;
    if (pictured === null) continue;
    const known = holders.includes(id) ? 'which labelled points' : 'which never labelled a point';
    const isOwn = settings.consortium.hospitals.some((one) => one.id === id && one.folder !== '');
    const what = isOwn ? 'case' : 'phantom';
    const words = { title: `Held-out ${what} of ${id}`, caption: `${id}, ${known}` };
    scenes.push({ ...words, ...heldOutScene(pictured) });
  }
  return scenes;
}

/** The CT that ships with the package: what a model taught on phantoms makes of a patient. */
async function sampleScene({
  settings,
  consortium,
  pool,
  models,
}: PicturesOptions): Promise<TitledScene[]> {
  const stage = consortium.manifest.plan.stages.find(({ kind }) => kind === 'student');
  const weights = models.get('student');
  if (stage === undefined || weights === undefined) return [];
  const { spec } = specAndTasks(stage);
  // Nobody segmented its heart.
  if (heartUseOf(spec) === 'condition') return [];
  const bytes = await readFile(packageFile('config/sample/cardiac_ct_1.5mm.nii.gz'));
  const ct = toRas(decodeNifti(bytes).volume);
  const { shape } = settings.phantom;
  const { spacingMm, intensity } = imagesOf(consortium.manifest.plan);
  const student = {
    spec,
    weights,
    intensity,
    spacingMm,
    // Another CT may be far larger than what was learned from: it is searched by windows of a training volume's size.
    window: sizeFor(patchOf(settings.training), shape, spec),
    digest: modelDigest(weights),
  };
  const isOwn = settings.consortium.hospitals.some(({ folder }) => folder !== '');
  const found = (await pool.run('predict', { student, ct })) as CtPrediction;
  const { points, missed, calcium, plausibility } = found;
  return [
    {
      title: 'A real CT',
      caption: [
        `the sample CT of the package, with landmarks of its aortic root derived from a machine's segmentation (annulus, sinotubular junction STJ); no expert marked it, so no truth is known${isOwn ? '' : ', the model has only seen phantoms'}`,
        ...(missed.length > 0 ? [`not found: ${missed.join(', ')}`] : []),
        `the answer is ${plausibilityText(plausibility)}`,
      ].join('; '),
      image: ct,
      marks: [
        ...(await sampleLandmarks()),
        ...points.map(({ label, position }) => ({
          label,
          at: position,
          kind: 'predicted' as const,
        })),
      ],
      areas: calcium === null ? [] : [{ kind: 'predicted', mask: calcium }],
    },
  ];
}

/** Landmarks that come with the sample CT and what they are called on it; those of the pulmonary artery are left out. */
const sampleNames: Readonly<Record<string, string>> = {
  aortic_annulus_centre: 'annulus',
  aortic_annulus_pseudo_hinge_1: 'hinge 1',
  aortic_annulus_pseudo_hinge_2: 'hinge 2',
  aortic_annulus_pseudo_hinge_3: 'hinge 3',
  stj_centre: 'STJ',
};

async function sampleLandmarks(): Promise<Mark[]> {
  const bytes = await readFile(packageFile('config/sample/landmarks.mrk.json'));
  return decodeMarkups(bytes).flatMap(({ label, position }): Mark[] => {
    const name = sampleNames[label];
    return name === undefined ? [] : [{ label: name, at: position, kind: 'reference' }];
  });
}
