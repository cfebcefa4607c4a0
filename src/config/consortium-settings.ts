/** Who takes part in a simulated consortium: each hospital's cases, its scanner and its annotator. */
import { parseNodeId, checkInteger, SettingError } from '../base/index.ts';
import {
  annotatorDefaults,
  readingDefaults,
  scannerDefaults,
  validateAnnotatorSettings,
  validateReadingSettings,
  validateScannerSettings,
  type AnnotatorSettings,
  type ReadingSettings,
  type ScannerSettings,
} from '../data/index.ts';

/** How many cases a hospital has. Of phantoms labels are nested: the first `hps` cases carry `hps`, the first `ms` cases `ms`, and so on. */
export interface CaseCounts {
  /** Cases with expert hinge points and ostia, 0 to 1000. */
  readonly hps: number;
  /** Cases with expert points of the membranous septum, 0 to 1000. */
  readonly ms: number;
  /** Cases with expert calcification, 0 to 1000. */
  readonly calc: number;
  /** Cases beyond those of the task with most labels, 0 to 1000; of phantoms the ones without any. They get pseudo-labels for the student. */
  readonly unlabelled: number;
  /** Held-out cases, known in truth and never trained on, 0 to 1000. */
  readonly test: number;
}

/** One hospital of a simulated consortium. */
export interface HospitalSettings {
  /** Short name: 1 to 32 letters, digits or dashes, different for each hospital. */
  readonly id: string;
  /** Folder of the hospital's own cases, beside the preset unless absolute; empty for phantoms. It says itself what it holds. */
  readonly folder: string;
  /** How the files of its own folder are read where they can be read in more than one way. */
  readonly reading: ReadingSettings;
  readonly cases: CaseCounts;
  readonly scanner: ScannerSettings;
  readonly annotator: AnnotatorSettings;
}

/** The members. */
export interface ConsortiumSettings {
  /** Name in the manifest and on the report, 1 to 80 characters. */
  readonly name: string;
  /** Domain of the log's origin, 1 to 80 letters, digits, dots and dashes. */
  readonly domain: string;
  /** 1 to 64 hospitals. From 4 on, one of them may fail without stopping the rest. */
  readonly hospitals: readonly HospitalSettings[];
}

/** A hospital without cases, with the usual scanner and annotator: a preset says what differs. */
export const hospitalDefaults: Omit<HospitalSettings, 'id'> = Object.freeze({
  folder: '',
  reading: readingDefaults,
  cases: Object.freeze({ hps: 0, ms: 0, calc: 0, unlabelled: 0, test: 0 }),
  scanner: scannerDefaults,
  annotator: annotatorDefaults,
});

/** Most hospitals of one run: all their pairs are connected, with both ends in one process. */
export const hospitalCountMax = 64;

/** Training cases of a hospital: labels are nested, so the largest count holds the others. */
export function trainingCaseCount({ hps, ms, calc, unlabelled }: CaseCounts): number {
  return Math.max(hps, ms, calc) + unlabelled;
}

/** @throws {SettingError} naming the key out of range. */
export function validateHospital(hospital: HospitalSettings): void {
  if (parseNodeId(hospital.id) === null) {
    throw new SettingError('id', '1 to 32 letters, digits or dashes', `"${hospital.id}"`);
  }
  for (const [key, value] of Object.entries(hospital.cases)) {
    checkInteger(key, value as number, 0, 1000);
  }
  if (hospital.folder === '' && trainingCaseCount(hospital.cases) === 0) {
    throw new SettingError('cases', 'at least one case to train on', 'none');
  }
  validateReadingSettings(hospital.reading);
  validateScannerSettings(hospital.scanner);
  validateAnnotatorSettings(hospital.annotator);
}

/** Whether it is not known yet what a hospital's folder holds. */
export function isUncounted({ folder, cases }: HospitalSettings): boolean {
  return folder !== '' && trainingCaseCount(cases) === 0;
}

/** @throws {SettingError} naming the key. */
export function validateConsortium({ name, domain, hospitals }: ConsortiumSettings): void {
  if (name.length < 1 || name.length > 80) {
    throw new SettingError('name', '1 to 80 characters', `${name.length}`);
  }
  if (!/^[a-z0-9.-]{1,80}$/.test(domain)) {
    throw new SettingError('domain', 'lower-case letters, digits, dots and dashes', `"${domain}"`);
  }
  const seen = new Set<string>();
  for (const { id } of hospitals) {
    if (seen.has(id)) throw new SettingError('hospitals', 'different ids', `"${id}" twice`);
    seen.add(id);
  }
}
