/** A chest: draws a patient, paints everything from the outside in, and scans it. */
import type { Random } from '../../../base/index.ts';
import type { PhantomSettings, ScannerSettings } from '../../settings.ts';
import type { LandmarkName, PointName } from '../../tasks.ts';
import type { Geometry } from '../../volume/volume.ts';
import { addVectors, rotated, type Rotation, type Vector3 } from '../../volume/vector.ts';
import {
  canonicalAxis,
  canonicalForward,
  drawField,
  evenIn,
  heartRotation,
  placedPoints,
  smallRotation,
} from '../pose.ts';
import type { Phantom } from '../truth.ts';
import { addStreaks, drawDeposits, paintDeposits, type Deposit } from '../calcium.ts';
import { drawRoot, rootLandmarks, rootPoints, type Root } from '../root.ts';
import { normally } from './draws.ts';
import { bellyCoat, paintAbdomen } from './abdomen.ts';
import { BlockCanvas } from './block-canvas.ts';
import { drawBody, seatedUnder, type Body } from './body.ts';
import { paintLeftHeart, paintRightHeart, sacCoat } from './chambers.ts';
import {
  drawCoronarySizes,
  paintCoronaries,
  paintCoronaryFat,
  planCoronaries,
  type CoronaryTree,
} from './coronaries.ts';
import { paintDevices } from './devices.ts';
import { paintDissection, paintEffusion, paintEmphysema } from './diseases.ts';
import { drawFindings, type Findings } from './findings.ts';
import {
  paintAorta,
  paintPassages,
  paintPulmonaryArteries,
  paintPulmonaryVeins,
  paintSystemicVeins,
} from './great-vessels.ts';
import { planVessels, type GreatVessels } from './vessel-plan.ts';
import { planHeart, type HeartPlan } from './heart-plan.ts';
import { lungCoat, paintLungs, paintLungTrees } from './lungs.ts';
import { drawHardSpots } from './hard-spots.ts';
import { drawBend, placeChest, type Slabs } from './placement.ts';
import { paintRibs, paintSternum } from './ribs.ts';
import type { Scene } from './scene.ts';
import { paintSpine } from './spine.ts';
import { scanChest } from './scan.ts';
import { addTexture } from './texture.ts';
import { boneFactor, drawChestTissue } from './tissue.ts';
import { paintTorso } from './torso.ts';
import { paintValves } from './valves.ts';

const airHu = -1000;
/** Coats hide what was painted where they are: lungs the outside, the belly lungs, the heart's sac all of them. */
const stage = { outside: 0, lungs: 1, belly: 2, heart: 3 } as const;
/** No step between slabs nearer to the annulus than this, so that its points stay where they are. */
const unbrokenMm = 32;

/** One chest in one scanner, as `makePhantom` promises it. */
export function makeChest(
  patient: Random,
  scanning: Random,
  settings: PhantomSettings,
  scanner: ScannerSettings,
): Phantom {
  const { shape, spacingMm, poseSpread, variety } = settings;
  const standing = drawBody(patient.fork('body'));
  const turn = heartRotation(patient.fork('heart turn'), poseSpread);
  const root = drawChestRoot(patient.fork('root'), turn, variety);
  const place = placeInField(patient.fork('place'), settings, standing);
  const frame = placeChest(
    place.geometry,
    place.annulus,
    smallRotation(patient.fork('lie'), 3.5 * poseSpread),
    drawBend(patient.fork('bend'), variety),
    scanner.stepMm > 0 ? drawSlabs(scanning.fork('steps'), scanner.stepMm) : null,
  );
  const canvas = new BlockCanvas(shape, spacingMm, airHu);
  const tissue = drawChestTissue(patient.fork('tissue'), scanner, variety);
  const heart = planHeart(patient.fork('heart'), root, turn, standing.scale);
  const body = seatedUnder(standing, heart.sac, patient.fork('diaphragm'));
  const scene: Scene = { canvas, frame, body, tissue, random: patient.fork('paint') };

  const findings = drawFindings(patient.fork('findings'), settings.rare);
  const vessels = planVessels(scene, heart, findings.ectasiaMm);
  const tree = planCoronaries(scene, heart, drawCoronarySizes(scene));
  canvas.coverLater(stage.heart, frame, sacCoat(scene, heart));
  canvas.coverLater(stage.belly, frame, bellyCoat(scene));
  canvas.coverLater(stage.lungs, frame, lungCoat(scene));
  paintBody(scene, findings);
  paintLungTrees(scene, vessels.hila, heart.sac);
  const devices = paintMediastinum(scene, findings, { heart, vessels, tree });
  addTexture(canvas, frame, patient.fork('texture'));

  const factor = boneFactor(scanner.kiloVolts);
  const spots = drawHardSpots(patient.fork('spots'), heart, vessels, tree, factor);
  paintDeposits(canvas, frame, spots);
  const calcified = patient.fork('calcified').uniform() < settings.calciumShare;
  const deposits = (calcified ? drawDeposits(patient.fork('calcium'), root) : []).map((one) => ({
    ...one,
    hu: one.hu * factor,
  }));
  const calcium = paintDeposits(canvas, frame, deposits);
  addStreaks(
    canvas.hu,
    canvas,
    frame,
    [...deposits, ...spots, ...devices],
    scanning.fork('streaks'),
  );

  const data = scanChest(canvas, scanner, frame.toVoxel([0, 0, 0]), scanning.fork('noise'));
  const { geometry } = place;
  const points = placedPoints<PointName>(rootPoints(root), frame);
  const landmarks = placedPoints<LandmarkName>(rootLandmarks(root), frame);
  return {
    image: { ...geometry, data },
    truth: { geometry, points, landmarks, calcium, heart: canvas.labels },
  };
}

/** Paints all but the mediastinum. */
function paintBody(scene: Scene, findings: Findings): void {
  paintTorso(scene);
  paintRibs(scene);
  scene.canvas.beginStage(stage.lungs);
  paintLungs(scene);
  if (findings.hasEmphysema) paintEmphysema(scene);
  if (findings.hasEffusion) paintEffusion(scene);
  scene.canvas.beginStage(stage.belly);
  paintAbdomen(scene);
  paintSpine(scene);
}

/** Plans of what lies between the lungs. */
interface Plans {
  readonly heart: HeartPlan;
  readonly vessels: GreatVessels;
  readonly tree: CoronaryTree;
}

/** Paints the heart and what lies around it, from the back to the front where two touch. */
function paintMediastinum(
  scene: Scene,
  findings: Findings,
  { heart, vessels, tree }: Plans,
): Deposit[] {
  scene.canvas.beginStage(stage.heart);
  scene.canvas.paintLayers(scene.frame, sacCoat(scene, heart));
  paintSternum(scene);
  paintPassages(scene, vessels);
  paintSystemicVeins(scene, vessels);
  paintRightHeart(scene, heart);
  paintPulmonaryArteries(scene, vessels);
  paintPulmonaryVeins(scene, vessels);
  paintCoronaryFat(scene, tree);
  paintLeftHeart(scene, heart);
  paintAorta(scene, heart, vessels);
  if (findings.hasDissection) paintDissection(scene, vessels);
  paintCoronaries(scene, tree);
  if (findings.prosthesis !== 'mechanical') paintValves(scene, heart, findings.isBicuspid);
  return paintDevices(scene, findings, heart, vessels, tree);
}

/**
 * The root in the chest's frame: its axes turned with the heart. Ostia are as high as measured: the right one 17.2 ± 3.3 mm, the left
 * one 14.4 ± 2.9 mm over the annulus (Tops 2008), which puts some at the junction.
 */
export function drawChestRoot(random: Random, turn: Rotation, variety: number): Root {
  const forward = rotated(turn, canonicalForward);
  const root = drawRoot(random, forward, rotated(turn, canonicalAxis), variety);
  const normal = normally(random.fork('ostia'));
  const [right, left] = root.ostia;
  const ostia: Root['ostia'] = [
    { ...right, heightMm: normal(17.2, 3.3) },
    { ...left, heightMm: normal(14.4, 2.9) },
  ];
  const highestMm = Math.max(...ostia.map(({ heightMm }) => heightMm));
  return { ...root, ostia, junctionHeightMm: Math.max(root.junctionHeightMm, highestMm + 1) };
}

/**
 * Where the annulus lies in the field. A field as large as a chest is centred on the chest, one as large as a heart on the
 * heart, others between; then it strays up to 24 mm an axis, but never nearer than 35 mm to an end of the field.
 */
function placeInField(
  random: Random,
  settings: PhantomSettings,
  body: Body,
): { geometry: Geometry; annulus: Vector3 } {
  const even = evenIn(random);
  const { geometry, centre } = drawField(random, settings);
  const { shape, spacingMm, poseSpread } = settings;
  const [depth, height, width] = shape;
  const annulusAt = (
    extentMm: number,
    [heartMm, heartField]: readonly [number, number],
    [chestMm, chestField]: readonly [number, number],
  ): number => {
    const share = Math.min(1, Math.max(0, (extentMm - heartField) / (chestField - heartField)));
    const room = Math.max(0, extentMm / 2 - 35);
    const mean = -(heartMm + (chestMm - heartMm) * share);
    return Math.max(-room, Math.min(room, mean + even(Math.min(24, room) * poseSpread)));
  };
  const annulus = addVectors(centre, [
    annulusAt(width * spacingMm[2], [-14, 180], [body.midMm, 340]),
    annulusAt(height * spacingMm[1], [-4, 160], [-42, 280]),
    annulusAt(depth * spacingMm[0], [-14, 150], [5, 330]),
  ]);
  return { geometry, annulus };
}

/** Slabs of 28 to 40 mm, each moved by chance, the one with the root not. */
function drawSlabs(random: Random, stepMm: number): Slabs {
  const thickMm = 28 + 12 * random.uniform();
  const moved = Array.from({ length: 40 }, (): Vector3 => [
    stepMm * random.normal(),
    stepMm * random.normal(),
    0,
  ]);
  const none: Vector3 = [0, 0, 0];
  return {
    offsetAt: (z) => {
      if (Math.abs(z) < unbrokenMm) return none;
      const slab = Math.floor((Math.abs(z) - unbrokenMm) / thickMm) * 2 + (z > 0 ? 1 : 0);
      return moved[slab % moved.length] ?? none;
    },
  };
}
