/**
 * How bright each tissue is at the moment of the scan. Blood follows a gamma-variate bolus
 * C(t) = (t / tPeak)^4 exp(4 (1 - t / tPeak)) that reaches the right heart 8 s before the left.
 */
import type { Random } from '../../base/index.ts';
import type { ScannerSettings } from '../settings.ts';

/** HU of the tissues of one patient. */
export interface TissueHu {
  readonly leftAtrium: number;
  readonly leftVentricle: number;
  readonly aorta: number;
  readonly rightAtrium: number;
  readonly rightVentricle: number;
  readonly pulmonaryArtery: number;
  readonly cavaSuperior: number;
  readonly cavaInferior: number;
  readonly myocardium: number;
  readonly vesselWall: number;
  readonly leaflet: number;
  readonly fat: number;
  readonly muscle: number;
  readonly lung: number;
  readonly liver: number;
  readonly spongyBone: number;
  readonly corticalBone: number;
}

const bloodHu = 42;
const rightPeakS = 12;
const leftPeakS = 20;

/** Draws a patient's tissues: circulation time and peak differ between patients. */
export function drawTissues(random: Random, scanner: ScannerSettings): TissueHu {
  const around = (mean: number, stdDev: number): number =>
    mean + stdDev * Math.max(-2.5, Math.min(2.5, random.normal()));
  const seconds = Math.max(9, leftPeakS + scanner.contrastTimingS + around(0, 1.8));
  const peakHu = Math.max(120, scanner.contrastPeakHu * around(1, 0.1));
  const right = (laterS: number): number =>
    bloodHu + 1.15 * peakHu * bolus(seconds - laterS, rightPeakS) + 0.18 * peakHu;
  const left = (laterS: number): number => bloodHu + peakHu * bolus(seconds - laterS, leftPeakS);
  return {
    leftAtrium: left(-1) * around(1, 0.02),
    leftVentricle: left(0) * around(0.98, 0.02),
    aorta: left(0.5) * around(1, 0.02),
    rightAtrium: right(-1) * around(0.9, 0.05),
    rightVentricle: right(0) * around(1, 0.03),
    pulmonaryArtery: right(1) * around(1, 0.03),
    cavaSuperior: right(-2) * around(1.1, 0.08),
    cavaInferior: around(95, 20),
    myocardium: around(70, 6) + 0.1 * left(0),
    vesselWall: around(60, 6),
    leaflet: around(75, 15),
    fat: around(-95, 6),
    muscle: around(52, 5),
    lung: around(-845, 25),
    liver: around(95, 14),
    spongyBone: around(190, 45),
    corticalBone: around(480, 70),
  };
}

function bolus(seconds: number, peakS: number): number {
  const share = Math.max(0, seconds / peakS);
  return share ** 4 * Math.exp(4 * (1 - share));
}
