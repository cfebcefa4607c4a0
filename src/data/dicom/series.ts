/**
 * CT series out of DICOM files: which there are, what is wrong with those that cannot be used, and their voxels in HU.
 *
 *     const { series, refused } = await readDicomSeries(files);
 *     const { volume, notes } = await series[0].readCt();
 *
 * Files are read twice and one at a time, first for their headers and then for their pixels, so that a folder may be larger
 * than memory.
 */
import type { CtFile } from '../own/ct.ts';
import { readingDefaults, type ReadingSettings } from '../settings.ts';
import type { Vector3 } from '../volume/vector.ts';
import type { Geometry } from '../volume/volume.ts';
import type { DicomRule } from './rules.ts';

/** A file that may hold an image. */
export interface DicomFile {
  /** As the user knows it, such as a path below the folder that was given: it stands in messages. */
  readonly name: string;
  /** All of its bytes; called up to twice. */
  readonly read: () => Promise<Uint8Array>;
}

/** Where a slice of the volume came from: what a DICOM SEG refers to. */
export interface SourceSlice {
  readonly file: string;
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
  /** The frame of a multi-frame file, from 1; null in a file of one slice. */
  readonly frame: number | null;
  /** ImagePositionPatient: the centre of the first voxel, LPS mm. */
  readonly position: Vector3;
}

/**
 * What identifies the patient and the study, to be carried over into a DICOM file about the same images and nowhere else: never
 * into a log, an error or what is kept of a case. Empty text where the files have none.
 */
export interface CarriedAttributes {
  readonly PatientName: string;
  readonly PatientID: string;
  readonly PatientBirthDate: string;
  readonly PatientSex: string;
  readonly PatientAge: string;
  readonly StudyDate: string;
  readonly StudyTime: string;
  readonly StudyID: string;
  readonly AccessionNumber: string;
  readonly ReferringPhysicianName: string;
}

/** A series that can be used. */
export interface DicomSeries {
  /** `ct-` and eight hexadecimal digits that follow from the SeriesInstanceUID: the same for the same series everywhere. */
  readonly key: string;
  /** Grid of the volume: i along a row of pixels, j along a column, k along the normal, upwards. */
  readonly geometry: Geometry;
  /** One for each k, in the order of k. */
  readonly slices: readonly SourceSlice[];
  /** ImageOrientationPatient: direction of a row of pixels and of a column, LPS. */
  readonly orientation: readonly [number, number, number, number, number, number];
  /** PixelSpacing: between rows and between columns, mm. */
  readonly pixelSpacingMm: readonly [number, number];
  readonly sliceThicknessMm: number | null;
  readonly studyInstanceUid: string;
  readonly seriesInstanceUid: string;
  /** Null where the files have none. */
  readonly frameOfReferenceUid: string | null;
  readonly carried: CarriedAttributes;
  /** Nothing wrong for certain, but worth a look; a line each, without anything about the patient. */
  readonly notes: readonly string[];
  /**
   * The voxels. `notes` of the result has those of the series too.
   *
   * @throws {DataError} 'dicom' when the pixels of a file are damaged
   */
  readonly readCt: () => Promise<CtFile>;
}

/** A series, or a file of no known series, that is not used. */
export interface RefusedSeries {
  /** As of a series that can be used; null for a file that does not tell its series. */
  readonly key: string | null;
  readonly rule: DicomRule;
  /** The files that break the rule, at most a few of them. */
  readonly files: readonly string[];
  /** Number of files of the series. */
  readonly fileCount: number;
  /** Which file, what was expected, what came and how to mend it; in one line, without anything about the patient. */
  readonly message: string;
}

/** What is in a folder. */
export interface DicomReading {
  /** In the order of their keys. */
  readonly series: readonly DicomSeries[];
  readonly refused: readonly RefusedSeries[];
  /** Localizers (scouts), which no volume is made of. */
  readonly localizerCount: number;
  /** Files that are no DICOM images: a DICOMDIR, a report, a viewer's program. */
  readonly passedOver: readonly string[];
}

/** What is in these files. Never throws for what a file holds. */
export function readDicomSeries(
  files: readonly DicomFile[],
  reading: ReadingSettings = readingDefaults,
): Promise<DicomReading> {
  return Promise.reject(new Error(`not there yet: ${files.length}, ${reading.voxelsMax}`));
}
