/**
 * Masks as a DICOM Segmentation (PS3.3 A.51) on the grid of the series they were found in: the same frame of reference, one
 * frame for each slice in which a segment has voxels, each frame with the slice that it was made from. Patient and study are
 * the source's: a PACS files the object beside the CT.
 */
import { invariant } from '../../base/index.ts';
import type { Vector3 } from '../volume/vector.ts';
import { writeDicom, type DicomDataset } from './dcmjs-writer.ts';
import type { SegmentWords } from './segment-codes.ts';
import type { DicomSeries, SourceSlice } from './series.ts';

/** One segment. */
export interface DicomSegment {
  readonly words: SegmentWords;
  /** On the grid of the series: the segment is where `map` has `value`. */
  readonly map: Uint8Array;
  readonly value: number;
}

/** What a segmentation is made of. */
export interface SegmentationSource {
  readonly series: Pick<
    DicomSeries,
    | 'geometry'
    | 'slices'
    | 'orientation'
    | 'pixelSpacingMm'
    | 'sliceThicknessMm'
    | 'studyInstanceUid'
    | 'seriesInstanceUid'
    | 'frameOfReferenceUid'
    | 'carried'
  >;
  /** Those without a voxel are left out. */
  readonly segments: readonly DicomSegment[];
  /** New ones: of the series, of the object, of its dimensions; of study and frame of reference where the source has none. */
  readonly uids: Readonly<Record<'series' | 'instance' | 'dimension' | 'study' | 'frame', string>>;
  /** When it was made: `YYYYMMDD` and `HHMMSS`. */
  readonly date: string;
  readonly time: string;
  /** Version of the program, and the first letters of the model's digest. */
  readonly version: string;
  readonly model: string;
}

/** SOP class of a segmentation. */
const segmentationClass = '1.2.840.10008.5.1.4.1.1.66.4';

/** A slice that a segment has voxels in. */
interface Frame {
  /** From 1. */
  readonly segment: number;
  readonly slice: number;
  /** The segment's map in this slice, and its value there. */
  readonly part: Uint8Array;
  readonly value: number;
}

/**
 * The file's bytes; null when no segment has a voxel, since a segmentation without a frame is none. Of a source without UIDs,
 * as when names were emptied, it has the places and refers to no slice.
 */
export async function encodeSegmentation(source: SegmentationSource): Promise<Uint8Array | null> {
  const { series } = source;
  const [depth, rows, columns] = series.geometry.shape;
  invariant(series.slices.length === depth, 'a series has one source for each of its slices');
  const size = rows * columns;
  const segments: SegmentWords[] = [];
  const frames: Frame[] = [];
  for (const { words, map, value } of source.segments) {
    const before = frames.length;
    for (let slice = 0; slice < depth; slice++) {
      const part = map.subarray(slice * size, (slice + 1) * size);
      if (part.includes(value)) frames.push({ segment: segments.length + 1, slice, part, value });
    }
    if (frames.length > before) segments.push(words);
  }
  if (segments.length === 0) return null;
  return writeDicom({
    ...carriedOver(source),
    ...aboutItself(source),
    ...references(source, frames),
    SegmentSequence: segments.map((words, index) => segmentItem(words, index + 1, source)),
    ...dimensions(source.uids.dimension),
    ...{ Rows: rows, Columns: columns, NumberOfFrames: frames.length },
    SharedFunctionalGroupsSequence: [sharedGroups(series)],
    PerFrameFunctionalGroupsSequence: frames.map((frame) => frameGroups(frame, series)),
    PixelData: packedBits(frames, size),
  });
}

/** Whether the source's study, series and slices have UIDs to refer to. */
export function hasReferences({
  studyInstanceUid,
  seriesInstanceUid,
  slices,
}: SegmentationSource['series']): boolean {
  return (
    isUid(studyInstanceUid) &&
    isUid(seriesInstanceUid) &&
    slices.every((slice) => isUid(slice.sopInstanceUid) && isUid(slice.sopClassUid))
  );
}

function isUid(uid: string | null): uid is string {
  return uid !== null && uid !== '';
}

/** Patient and study as the source has them, and nothing else of the patient. */
function carriedOver({ series, uids }: SegmentationSource): DicomDataset {
  const { PatientAge, ...carried } = series.carried;
  return {
    SpecificCharacterSet: 'ISO_IR 192',
    ...carried,
    ...(PatientAge === '' ? {} : { PatientAge }),
    StudyInstanceUID: isUid(series.studyInstanceUid) ? series.studyInstanceUid : uids.study,
    FrameOfReferenceUID: isUid(series.frameOfReferenceUid)
      ? series.frameOfReferenceUid
      : uids.frame,
    PositionReferenceIndicator: '',
  };
}

function aboutItself({ uids, date, time, version, model }: SegmentationSource): DicomDataset {
  return {
    SOPClassUID: segmentationClass,
    SOPInstanceUID: uids.instance,
    SeriesInstanceUID: uids.series,
    ...{ Modality: 'SEG', SeriesNumber: '9000', InstanceNumber: '1' },
    SeriesDescription: 'Aortic root, found by Annulus',
    ...{ SeriesDate: date, SeriesTime: time, ContentDate: date, ContentTime: time },
    ...{ Manufacturer: 'Annulus', ManufacturerModelName: 'annulus predict' },
    ...{ DeviceSerialNumber: model, SoftwareVersions: version },
    ...{ ContentLabel: 'AORTIC_ROOT', ContentDescription: '', ContentCreatorName: '' },
    ...{ ImageType: ['DERIVED', 'PRIMARY'], LossyImageCompression: '00' },
    ...{ SamplesPerPixel: 1, PhotometricInterpretation: 'MONOCHROME2', PixelRepresentation: 0 },
    ...{ BitsAllocated: 1, BitsStored: 1, HighBit: 0, SegmentationType: 'BINARY' },
  };
}

/** The slices that frames were made from: a reader may look for them here without reading the frames. */
function references({ series }: SegmentationSource, frames: readonly Frame[]): DicomDataset {
  const { seriesInstanceUid } = series;
  if (!hasReferences(series) || !isUid(seriesInstanceUid)) return {};
  const used = new Set(frames.map(({ slice }) => slice));
  const named = new Map<string, DicomDataset>();
  for (const slice of used) {
    const source = series.slices[slice];
    if (source === undefined) continue;
    named.set(source.sopInstanceUid, {
      ReferencedSOPClassUID: source.sopClassUid,
      ReferencedSOPInstanceUID: source.sopInstanceUid,
    });
  }
  return {
    ReferencedSeriesSequence: [
      {
        SeriesInstanceUID: seriesInstanceUid,
        ReferencedInstanceSequence: [...named.values()],
      },
    ],
  };
}

function segmentItem(
  { label, description, category, type, region, cieLab }: SegmentWords,
  number: number,
  { model }: SegmentationSource,
): DicomDataset {
  return {
    SegmentNumber: number,
    ...{ SegmentLabel: label, SegmentDescription: description },
    ...{ SegmentAlgorithmType: 'AUTOMATIC', SegmentAlgorithmName: `Annulus ${model}` },
    RecommendedDisplayCIELabValue: [...cieLab],
    SegmentedPropertyCategoryCodeSequence: [{ ...category }],
    SegmentedPropertyTypeCodeSequence: [{ ...type }],
    ...(region === null ? {} : { AnatomicRegionSequence: [{ ...region }] }),
  };
}

/** Frames are indexed by segment, then by position. Tags are written as attributes of type AT want them. */
function dimensions(uid: string): DicomDataset {
  const pointer = (tag: number, group: number, label: string): DicomDataset => ({
    DimensionOrganizationUID: uid,
    DimensionIndexPointer: tag,
    FunctionalGroupPointer: group,
    DimensionDescriptionLabel: label,
  });
  return {
    DimensionOrganizationSequence: [{ DimensionOrganizationUID: uid }],
    DimensionIndexSequence: [
      pointer(0x0062000b, 0x0062000a, 'ReferencedSegmentNumber'),
      pointer(0x00200032, 0x00209113, 'ImagePositionPatient'),
    ],
  };
}

function sharedGroups(series: SegmentationSource['series']): DicomDataset {
  const { orientation, pixelSpacingMm, sliceThicknessMm, slices } = series;
  const apartMm = sliceDistanceMm(slices, orientation);
  return {
    PlaneOrientationSequence: [{ ImageOrientationPatient: orientation.map(decimal) }],
    PixelMeasuresSequence: [
      {
        SliceThickness: decimal(sliceThicknessMm ?? apartMm),
        SpacingBetweenSlices: decimal(apartMm),
        PixelSpacing: pixelSpacingMm.map(decimal),
      },
    ],
  };
}

/** Distance between neighbouring slices along their normal. */
function sliceDistanceMm(
  slices: readonly SourceSlice[],
  [a, b, c, d, e, f]: DicomSeries['orientation'],
): number {
  const normal: Vector3 = [b * f - c * e, c * d - a * f, a * e - b * d];
  const along = (at: Vector3 | undefined): number =>
    at === undefined ? 0 : at[0] * normal[0] + at[1] * normal[1] + at[2] * normal[2];
  const [first, last] = [along(slices[0]?.position), along(slices.at(-1)?.position)];
  return Math.abs(last - first) / Math.max(1, slices.length - 1);
}

function frameGroups(
  { segment, slice }: Frame,
  series: SegmentationSource['series'],
): DicomDataset {
  const source = series.slices[slice];
  invariant(source !== undefined, 'a frame has a slice of the source');
  return {
    FrameContentSequence: [{ DimensionIndexValues: [segment, slice + 1] }],
    PlanePositionSequence: [{ ImagePositionPatient: source.position.map(decimal) }],
    SegmentIdentificationSequence: [{ ReferencedSegmentNumber: segment }],
    ...(hasReferences(series) ? { DerivationImageSequence: [derivationOf(source)] } : {}),
  };
}

function derivationOf({ sopClassUid, sopInstanceUid, frame }: SourceSlice): DicomDataset {
  return {
    DerivationCodeSequence: [dcm('113076', 'Segmentation')],
    SourceImageSequence: [
      {
        ReferencedSOPClassUID: sopClassUid,
        ReferencedSOPInstanceUID: sopInstanceUid,
        ...(frame === null ? {} : { ReferencedFrameNumber: String(frame) }),
        PurposeOfReferenceCodeSequence: [
          dcm('121322', 'Source image for image processing operation'),
        ],
      },
    ],
  };
}

function dcm(value: string, meaning: string): DicomDataset {
  return { CodeValue: value, CodingSchemeDesignator: 'DCM', CodeMeaning: meaning };
}

/** One bit a voxel, the first of each byte the lowest, frames on end (PS3.5 8.1.1), an even number of bytes. */
function packedBits(frames: readonly Frame[], size: number): Uint8Array {
  const bytes = new Uint8Array(2 * Math.ceil((frames.length * size) / 16));
  frames.forEach(({ part, value }, frame) => {
    part.forEach((here, pixel) => {
      if (here !== value) return;
      const bit = frame * size + pixel;
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) | (1 << (bit & 7));
    });
  });
  return bytes;
}

/** A number as DS has it: 16 letters at most. */
function decimal(value: number): string {
  for (let digits = 16; digits > 1; digits--) {
    const text = String(Number(value.toPrecision(digits)) + 0);
    if (text.length <= 16) return text;
  }
  return value.toExponential(8);
}
