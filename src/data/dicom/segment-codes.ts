/**
 * What a segment is, in the words of the standard: codes of SNOMED CT as the context groups of DICOM PS3.16 list them.
 * Categories are of CID 7150; types of CID 7192 (anatomical structures), calcium's of CID 3711 (heart valves).
 */
import type { PointName } from '../tasks.ts';

/** A coded word of SNOMED CT. */
export interface SegmentCode {
  readonly CodeValue: string;
  readonly CodingSchemeDesignator: 'SCT';
  readonly CodeMeaning: string;
}

/** What a segment is called. */
export interface SegmentWords {
  /** Short, as in other programs. */
  readonly label: string;
  readonly description: string;
  readonly category: SegmentCode;
  readonly type: SegmentCode;
  /** Where in the body, for a type that does not say it. */
  readonly region: SegmentCode | null;
  /** CIELab as DICOM writes it: L of 0..65535 for 0..100, a and b of 0..65535 for -128..127. */
  readonly cieLab: readonly [number, number, number];
}

const code = (value: string, meaning: string): SegmentCode => ({
  CodeValue: value,
  CodingSchemeDesignator: 'SCT',
  CodeMeaning: meaning,
});

const structure = code('123037004', 'Anatomical Structure');
const abnormal = code('49755003', 'Morphologically Abnormal Structure');
const valve = code('34202007', 'Aortic Valve');
const septum = code('589001', 'Interventricular septum');

/** Lightness and colour of points, and of calcium. */
const orange = [50_000, 40_000, 48_000] as const;
const white = [62_000, 32_896, 36_000] as const;

const point = (label: string, description: string, type: SegmentCode): SegmentWords => ({
  ...{ label, description, type },
  ...{ category: structure, region: null, cieLab: orange },
});

/** The spheres of points. */
export const pointWords: Readonly<Record<PointName, SegmentWords>> = {
  RCC: point('RCC', 'lowest point of the right coronary cusp', valve),
  LCC: point('LCC', 'lowest point of the left coronary cusp', valve),
  NCC: point('NCC', 'lowest point of the noncoronary cusp', valve),
  RCA: point('RCA', 'right coronary ostium', code('56789007', 'Right Coronary Artery Ostium')),
  LCA: point('LCA', 'left coronary ostium', code('76862008', 'Left Main Coronary Artery Ostium')),
  MS1: point('MS1', 'first end of the membranous septum', septum),
  MS2: point('MS2', 'second end of the membranous septum', septum),
};

/** Calcium of the aortic valve. */
export const calciumWords: SegmentWords = {
  label: 'calcium',
  description: 'calcium of the aortic valve',
  category: abnormal,
  type: code('373136005', 'Calcified Heart Valve'),
  region: valve,
  cieLab: white,
};
