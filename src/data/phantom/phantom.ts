/**
 * Phantoms: contrast CTs of the heart region with anatomy that is known exactly. Geometry is implicit
 * (signed distances), painted with edges one voxel soft. The same seed gives the same bytes.
 */
import type { Random } from '../../base/index.ts';
import {
  phantomDefaults,
  scannerDefaults,
  validatePhantomSettings,
  validateScannerSettings,
  type PhantomSettings,
  type ScannerSettings,
} from '../settings.ts';
import type { LandmarkName, PointName } from '../tasks.ts';
import { addStreaks, drawDeposits, paintDeposits, type Deposit } from './calcium.ts';
import { Canvas } from './canvas.ts';
import { paintChest, paintSkeleton } from './chest.ts';
import { makeChest } from './chest/chest-phantom.ts';
import { drawTissues } from './contrast.ts';
import { paintHeart } from './heart.ts';
import { canonicalAxis, canonicalForward, drawPose, placedPoints } from './pose.ts';
import { drawRoot, rootLandmarks, rootPoints } from './root.ts';
import { scan } from './scanner.ts';
import type { Phantom } from './truth.ts';

const airHu = -1000;

/**
 * One patient in one scanner. Anatomy comes from `random.fork('patient')` and the scan from
 * `random.fork('scan')`: the same patient can be scanned twice.
 *
 * @throws {DataError} 'bad_setting' when a setting is out of range.
 */
export function makePhantom(
  random: Random,
  settings: PhantomSettings = phantomDefaults,
  scanner: ScannerSettings = scannerDefaults,
): Phantom {
  validatePhantomSettings(settings);
  validateScannerSettings(scanner);
  const patient = random.fork('patient');
  const scanning = random.fork('scan');
  if (settings.scene === 'chest') return makeChest(patient, scanning, settings, scanner);

  const pose = drawPose(patient.fork('pose'), settings);
  const root = drawRoot(patient.fork('root'), canonicalForward, canonicalAxis);
  const tissue = drawTissues(patient.fork('tissue'), scanner);
  const canvas = new Canvas(settings.shape, settings.spacingMm, airHu);
  const skeleton = patient.fork('skeleton');
  paintChest(canvas, pose.chest, patient.fork('chest'), tissue);
  paintHeart(canvas, pose.heart, patient.fork('heart'), root, tissue);
  paintSkeleton(canvas, pose.chest, skeleton, tissue);

  const calcified = patient.fork('calcified').uniform() < settings.calciumShare;
  const deposits: Deposit[] = calcified ? drawDeposits(patient.fork('calcium'), root) : [];
  const calcium = paintDeposits(canvas, pose.heart, deposits);
  addStreaks(canvas.hu, canvas, pose.heart, deposits, scanning.fork('streaks'));

  const { shape, spacingMm } = settings;
  const data = scan(canvas.hu, shape, spacingMm, scanner, scanning.fork('noise'));
  const points = placedPoints<PointName>(rootPoints(root), pose.heart);
  const landmarks = placedPoints<LandmarkName>(rootLandmarks(root), pose.heart);
  return {
    image: { ...pose.geometry, data },
    truth: { geometry: pose.geometry, points, landmarks, calcium, heart: canvas.labels },
  };
}
