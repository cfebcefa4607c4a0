/** Settings of the phantom generator: the grid, a hospital's scanner and its annotator. */
import { DataError } from './errors.ts';
import type { Vector3 } from './volume/vector.ts';
import type { Shape3 } from './volume/volume.ts';

/** The grid a phantom is delivered on, and who the patients are. */
export interface PhantomSettings {
  /** Voxels along [depth, height, width], 8 to 512 each. 48 at 3 mm holds the heart region. */
  readonly shape: Shape3;
  /** Distance between voxels in mm along [depth, height, width], 0.3 to 6. */
  readonly spacingMm: Vector3;
  /** Share of patients with calcium on cusps or annulus, 0 to 1. TAVI patients mostly have it. */
  readonly calciumShare: number;
  /** How far heart and chest stray from the mean pose, 0 (all alike) to 1.5. 1 is a mixed clinic. */
  readonly poseSpread: number;
  /** `heart`: a heart in a simple box of a chest. `chest`: a whole chest, of which the grid shows what it has room for. */
  readonly scene: SceneName;
  /** How far a chest's tissues and shapes stray beyond what is measured in patients, 0 to 1 (domain randomisation). */
  readonly variety: number;
  /** Which share of chests has what is rare. */
  readonly rare: RareShares;
}

/** Which generator makes the phantoms. */
export type SceneName = 'heart' | 'chest';

/** Share of chests, 0 to 1 each, with something that training may leave out and tests put in. */
export interface RareShares {
  /** Right and left cusp grown together, with a raphe. */
  readonly bicuspid: number;
  /** Ascending aorta 10 to 24 mm wider. */
  readonly ectasia: number;
  /** A flap and a false lumen in the aorta. */
  readonly dissection: number;
  /** Leads of a pacemaker or defibrillator, with streaks. */
  readonly leads: number;
  /** Wires in the sternum, clips and bypass grafts. */
  readonly bypass: number;
  /** A TAVI frame or a mechanical valve in the annulus, with streaks. */
  readonly prosthesis: number;
  /** Fluid beside the lungs. */
  readonly effusion: number;
  /** Holes in the lungs. */
  readonly emphysema: number;
}

/** What a hospital's scanner and protocol do to the picture. */
export interface ScannerSettings {
  /** Full width at half maximum of the kernel's blur in mm, 0 to 8: small is a sharp kernel. */
  readonly blurFwhmMm: number;
  /** Edge enhancement of the kernel, 0 (none) to 2 (bone kernel with overshoot). */
  readonly sharpness: number;
  /** Standard deviation of the noise in HU on the delivered grid, 0 to 200. */
  readonly noiseHu: number;
  /** Seconds between the ideal moment of contrast and the scan, -8 (right heart bright) to 12. */
  readonly contrastTimingS: number;
  /** Peak enhancement of arterial blood in HU, 50 to 900. */
  readonly contrastPeakHu: number;
  /** Calibration offset added to every voxel, -200 to 200 HU. */
  readonly offsetHu: number;
  /** Voxel size of the acquisition in mm along [depth, height, width], 0.2 to 6; blurs what is delivered. */
  readonly spacingMm: Vector3;
  /** Diameter in mm of the round reconstruction field in the axial plane; outside is -1024 HU. 60 to 600. */
  readonly fieldOfViewMm: number;
  /** Tube voltage, 70 to 140 kV: bone and calcium of chests are brighter at a lower one. Blood follows `contrastPeakHu`. */
  readonly kiloVolts: number;
  /** How far the heart of a chest moves while it is scanned, 0 to 6 mm. */
  readonly motionMm: number;
  /** Standard deviation of how far the heart's slabs are apart that were scanned in different beats, 0 to 5 mm. Chests only. */
  readonly stepMm: number;
  /** What is stored outside of the round field, -3024 to 0 HU: -1024 with most makers, -2000 or -3024 with some. */
  readonly paddingHu: number;
}

/** How a hospital's annotator differs from the truth. */
export interface AnnotatorSettings {
  /** Constant shift of every point in mm along right, anterior, superior; -20 to 20. */
  readonly biasMm: Vector3;
  /** Standard deviation of each coordinate in mm, 0 to 20. Human observers reach about 1.7 mm distance. */
  readonly scatterMm: number;
}

/** How files of other programs are read where they can be read in more than one way, and how large they may be. */
export interface ReadingSettings {
  /** Which volume of a file with several in time, -1 (refuse such a file) to 9999, the first being 0. */
  readonly frame: number;
  /**
   * Where the axes of a file without orientation run to: three letters of R or L, A or P, S or I, such as LAS (left, front,
   * up, as nibabel reads it). Empty refuses such a file.
   */
  readonly axes: string;
  /** What a header in metres or microns is taken for: `header` believes it, `mm` takes its numbers for mm, `ask` refuses it. */
  readonly units: 'ask' | 'header' | 'mm';
  /**
   * Voxels of a volume, 4096 to 2147483648. 134217728 are 512 x 512 x 512, more than a CT of a heart has; the file, what it
   * unpacks to and the volume together take at most 7 bytes for each.
   */
  readonly voxelsMax: number;
}

/** 48 voxels of 3 mm: 144 mm, the heart with a rim of lung, spine and sternum. */
export const phantomDefaults: PhantomSettings = Object.freeze<PhantomSettings>({
  shape: [48, 48, 48],
  spacingMm: [3, 3, 3],
  calciumShare: 0.75,
  poseSpread: 1,
  scene: 'heart',
  variety: 0,
  rare: Object.freeze({
    bicuspid: 0,
    ectasia: 0,
    dissection: 0,
    leads: 0,
    bypass: 0,
    prosthesis: 0,
    effusion: 0,
    emphysema: 0,
  }),
});

/** A gated CT angiography with a medium-smooth kernel. */
export const scannerDefaults: ScannerSettings = Object.freeze<ScannerSettings>({
  blurFwhmMm: 1.2,
  sharpness: 0,
  noiseHu: 18,
  contrastTimingS: 0,
  contrastPeakHu: 380,
  offsetHu: 0,
  spacingMm: [0.8, 0.5, 0.5],
  fieldOfViewMm: 260,
  kiloVolts: 120,
  motionMm: 0,
  stepMm: 0,
  paddingHu: -1024,
});

/** An unbiased expert whose points scatter by 1 mm per axis. */
export const annotatorDefaults: AnnotatorSettings = Object.freeze<AnnotatorSettings>({
  biasMm: [0, 0, 0],
  scatterMm: 1,
});

/** Whatever can be read in more than one way is refused. */
export const readingDefaults: ReadingSettings = Object.freeze<ReadingSettings>({
  frame: -1,
  axes: '',
  units: 'ask',
  voxelsMax: 2 ** 27,
});

/** One letter for each direction of the patient, in any order. */
const axesForm = /^(?=.*[RL])(?=.*[AP])(?=.*[SI])[RLAPSI]{3}$/;

/** @throws {DataError} 'bad_setting' unless every field is in its range. */
export function validateReadingSettings(settings: ReadingSettings): ReadingSettings {
  const { frame, axes, units, voxelsMax } = settings;
  check('reading.frame', frame, -1, 9999, true);
  if (axes !== '' && !axesForm.test(axes)) {
    refuse('reading.axes', 'three letters such as LAS, or empty', `"${axes.slice(0, 20)}"`);
  }
  if (!['ask', 'header', 'mm'].includes(units)) {
    refuse('reading.units', 'ask, header or mm', `"${units.slice(0, 20)}"`);
  }
  check('reading.voxelsMax', voxelsMax, 4096, 2 ** 31, true);
  return settings;
}

/** @throws {DataError} 'bad_setting' unless every field is in its range. */
export function validatePhantomSettings(settings: PhantomSettings): PhantomSettings {
  checkEach('phantom.shape', settings.shape, 8, 512, true);
  checkEach('phantom.spacingMm', settings.spacingMm, 0.3, 6);
  check('phantom.calciumShare', settings.calciumShare, 0, 1);
  check('phantom.poseSpread', settings.poseSpread, 0, 1.5);
  if (!['heart', 'chest'].includes(settings.scene)) {
    refuse('phantom.scene', 'heart or chest', `"${settings.scene.slice(0, 20)}"`);
  }
  check('phantom.variety', settings.variety, 0, 1);
  for (const name of Object.keys(phantomDefaults.rare) as (keyof RareShares)[]) {
    check(`phantom.rare.${name}`, settings.rare[name], 0, 1);
  }
  return settings;
}

/** @throws {DataError} 'bad_setting' unless every field is in its range. */
export function validateScannerSettings(settings: ScannerSettings): ScannerSettings {
  check('scanner.blurFwhmMm', settings.blurFwhmMm, 0, 8);
  check('scanner.sharpness', settings.sharpness, 0, 2);
  check('scanner.noiseHu', settings.noiseHu, 0, 200);
  check('scanner.contrastTimingS', settings.contrastTimingS, -8, 12);
  check('scanner.contrastPeakHu', settings.contrastPeakHu, 50, 900);
  check('scanner.offsetHu', settings.offsetHu, -200, 200);
  checkEach('scanner.spacingMm', settings.spacingMm, 0.2, 6);
  check('scanner.fieldOfViewMm', settings.fieldOfViewMm, 60, 600);
  check('scanner.kiloVolts', settings.kiloVolts, 70, 140);
  check('scanner.motionMm', settings.motionMm, 0, 6);
  check('scanner.stepMm', settings.stepMm, 0, 5);
  check('scanner.paddingHu', settings.paddingHu, -3024, 0);
  return settings;
}

/** @throws {DataError} 'bad_setting' unless every field is in its range. */
export function validateAnnotatorSettings(settings: AnnotatorSettings): AnnotatorSettings {
  checkEach('annotator.biasMm', settings.biasMm, -20, 20);
  check('annotator.scatterMm', settings.scatterMm, 0, 20);
  return settings;
}

function checkEach(
  field: string,
  values: readonly number[],
  low: number,
  high: number,
  whole = false,
): void {
  if (values.length !== 3) {
    refuse(field, `three numbers from ${low} to ${high}`, `${values.length} of them`);
  }
  for (const value of values) check(field, value, low, high, whole);
}

function check(field: string, value: number, low: number, high: number, whole = false): void {
  const inRange = value >= low && value <= high && (!whole || Number.isInteger(value));
  if (!inRange) {
    refuse(field, `${whole ? 'a whole number' : 'a number'} from ${low} to ${high}`, String(value));
  }
}

function refuse(field: string, expected: string, came: string): never {
  throw new DataError({ code: 'bad_setting', field }, `${field} must be ${expected}, not ${came}`);
}
