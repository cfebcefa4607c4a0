/** What one DICOM file says about a CT: its slices, where they are in the patient, and how its pixels become HU. */
import { createHash } from 'node:crypto';
import { DataError } from '../errors.ts';
import type { DataSet } from './elements.ts';
import { openFile, type OpenFile } from './file.ts';
import { framesOf, type FrameFacts } from './frames.ts';
import { framePieces } from './pixel-data.ts';
import { pixelFormatOf, type PixelFormat } from './pixel-format.ts';
import { breaks } from './refusal.ts';
import { isSegmentation, segmentFileOf, type SegmentFile } from './segment-file.ts';
import type { DicomRule } from './rules.ts';
import { textOf } from './text.ts';
import type { TransferSyntax } from './transfer-syntax.ts';
import { asciiOf, codesOf, uidOf } from './values.ts';

/** Names the series and the examination that a file belongs to. */
export interface SeriesName {
  readonly studyInstanceUid: string | null;
  /** Null in files whose names were emptied. */
  readonly seriesInstanceUid: string | null;
  readonly frameOfReferenceUid: string | null;
  readonly seriesNumber: string;
  /** Digest of the PatientID, to tell patients apart and no more; empty where there is none. */
  readonly patient: string;
}

/** A CT image in a file. */
export interface Instance {
  readonly file: string;
  readonly name: SeriesName;
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
  readonly format: PixelFormat;
  readonly frames: readonly FrameFacts[];
  readonly carried: CarriedAttributes;
  /** Whether compression may have changed the values. */
  readonly isLossy: boolean;
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

/** What a file turned out to be. */
export type FoundFile =
  | {
      readonly kind: 'image';
      readonly instance: Instance;
      /** Bytes of each frame, and how they are encoded; they keep the whole file in memory. */
      readonly pieces: readonly Uint8Array[];
      readonly syntax: TransferSyntax;
    }
  | { readonly kind: 'localizer' }
  | { readonly kind: 'segmentation'; readonly name: SeriesName; readonly segments: SegmentFile }
  /** No image: another program's file, a DICOMDIR, a report. */
  | { readonly kind: 'other' }
  | {
      readonly kind: 'refused';
      readonly rule: DicomRule;
      readonly message: string;
      /** Null where the file does not tell. */
      readonly name: SeriesName | null;
      /** Whether it holds labels, which must not be lost. */
      readonly isLabel: boolean;
    };

/** What CTs are stored as (PS3.4, B.5): one slice for each file, many, or many made of the former. */
const ctClasses: ReadonlySet<string> = new Set([
  '1.2.840.10008.5.1.4.1.1.2',
  '1.2.840.10008.5.1.4.1.1.2.1',
  '1.2.840.10008.5.1.4.1.1.2.2',
]);
const mediaDirectory = '1.2.840.10008.1.3.10';
const carriedKeywords: readonly (keyof CarriedAttributes)[] = [
  ...(['PatientName', 'PatientID', 'PatientBirthDate', 'PatientSex', 'PatientAge'] as const),
  ...(['StudyDate', 'StudyTime', 'StudyID', 'AccessionNumber', 'ReferringPhysicianName'] as const),
];
/** Names that images have, and nothing else. */
const imageName = /\.(dcm|dicom|ima|dic)$/i;

/** Reads a file's header and holds its pixels against it. Never throws for what the file holds. */
export function readInstance(file: string, bytes: Uint8Array): FoundFile {
  const open = openFile(bytes);
  if (open === null) {
    if (!imageName.test(file)) return { kind: 'other' };
    const message = `${file}: ${noDicom(bytes).message}`;
    return { kind: 'refused', rule: 'file_damaged', message, name: null, isLabel: false };
  }
  let name: SeriesName | null = null;
  let isLabel = false;
  try {
    isLabel = isSegmentation(open.dataSet, open.meta);
    const told = seriesNameOf(open.dataSet);
    // Of a file that breaks off before it, nobody knows whether it has one.
    if (open.problem === null || told.seriesInstanceUid !== null) name = told;
    if (isLabel) return { kind: 'segmentation', name: told, segments: segmentFileOf(open) };
    return readOpened(file, open, told);
  } catch (error) {
    if (!(error instanceof DataError) || error.facts.code !== 'dicom') throw error;
    const { rule } = error.facts;
    return { kind: 'refused', rule, message: `${file}: ${error.message}`, name, isLabel };
  }
}

function readOpened(file: string, open: OpenFile, name: SeriesName): FoundFile {
  const { dataSet, meta, pixels, syntax, problem } = open;
  const sopClassUid = uidOf(dataSet, 'SOPClassUID') ?? uidOf(meta, 'MediaStorageSOPClassUID') ?? '';
  if (sopClassUid === mediaDirectory) return { kind: 'other' };
  const modality = asciiOf(dataSet, 'Modality');
  const isImage = pixels !== null || ctClasses.has(sopClassUid);
  if (problem !== null) throw problem;
  if (!isImage && modality !== 'CT') return { kind: 'other' };
  checkKind(modality, sopClassUid);
  if (codesOf(dataSet, 'ImageType').includes('LOCALIZER')) return { kind: 'localizer' };
  if (pixels === null || syntax === null) {
    const isFloat = dataSet.has(0x7fe0_0008) || dataSet.has(0x7fe0_0009);
    if (isFloat) throw breaks('pixel_format', 'PixelData: expected whole numbers, got fractions');
    throw breaks('no_pixels', 'PixelData: expected the pixels of the image, there are none');
  }
  const format = pixelFormatOf(dataSet, pixels, syntax);
  const frames = framesOf(dataSet, format.frameCount);
  const pieces = framePieces(pixels, format, syntax);
  const sopInstanceUid =
    uidOf(dataSet, 'SOPInstanceUID') ?? uidOf(meta, 'MediaStorageSOPInstanceUID') ?? '';
  const isLossy = syntax.isLossy || asciiOf(dataSet, 'LossyImageCompression') === '01';
  const carried = carriedOf(dataSet);
  const names = { file, name, sopClassUid, sopInstanceUid, carried };
  return { kind: 'image', instance: { ...names, format, frames, isLossy }, pieces, syntax };
}

/** Whether it is a CT, whose values are HU. @throws {DataError} 'dicom' not_ct */
function checkKind(modality: string, sopClassUid: string): void {
  if (modality !== 'CT') {
    const came = /^[A-Z]{2,8}$/.test(modality) ? modality : 'none';
    throw breaks('not_ct', `Modality: expected CT, got ${came}`);
  }
  if (sopClassUid !== '' && !ctClasses.has(sopClassUid)) {
    const came = /^[\d.]+$/.test(sopClassUid) ? sopClassUid : 'another';
    throw breaks('not_ct', `SOPClassUID: expected a CT image, got ${came}`);
  }
}

function seriesNameOf(dataSet: DataSet): SeriesName {
  const patient = textOf(dataSet, 'PatientID');
  return {
    studyInstanceUid: uidOf(dataSet, 'StudyInstanceUID'),
    seriesInstanceUid: uidOf(dataSet, 'SeriesInstanceUID'),
    frameOfReferenceUid: uidOf(dataSet, 'FrameOfReferenceUID'),
    seriesNumber: asciiOf(dataSet, 'SeriesNumber').slice(0, 16),
    patient: patient === '' ? '' : createHash('sha256').update(patient).digest('hex'),
  };
}

function carriedOf(dataSet: DataSet): CarriedAttributes {
  const pairs = carriedKeywords.map((keyword) => [keyword, textOf(dataSet, keyword)]);
  return Object.fromEntries(pairs) as Record<keyof CarriedAttributes, string>;
}

function noDicom(bytes: Uint8Array): DataError {
  return breaks(
    'file_damaged',
    bytes.byteLength === 0
      ? 'expected a DICOM file, it is empty'
      : 'expected a DICOM file, got something else',
  );
}
