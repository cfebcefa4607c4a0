/** The DICOM files of a case: its CT, and labels that were saved as a DICOM SEG. */
import {
  dicomProblem,
  readDicomSeries,
  severalSeries,
  type CtFile,
  type DicomReading,
  type DicomSegmentation,
  type DicomSeries,
} from '../../data/index.ts';
import type { SiteReading } from './site-look.ts';
import { Refusal, unknownFile, type OpenFile } from './site-files.ts';

/** A CT that could be the case's. */
export interface Candidate {
  /** Null of a file that is no DICOM. */
  readonly frameOfReferenceUid: string | null;
  readonly seriesInstanceUid: string | null;
  readonly read: () => Promise<CtFile>;
}

/** What DICOM files hold of a case. */
export interface SiteDicom {
  readonly cts: readonly Candidate[];
  readonly segmentations: readonly DicomSegmentation[];
  readonly notes: readonly string[];
}

/** What may be labels in a form that is not read here: a case goes nowhere while they might be lost. */
const labelForm = /\.(json|nrrd|nhdr|mha|mhd|mrb|acsv|vtk|vtp|stl|obj|mat|npy|npz|h5)$/i;

/**
 * The files that are neither NIfTI nor points: a DICOM series with what a PACS puts beside it, or something unknown.
 *
 * @throws {Refusal} when the case cannot be used
 */
export async function readSiteDicom(
  files: readonly OpenFile[],
  how: SiteReading,
  hasCt: boolean,
): Promise<SiteDicom> {
  const odd = files.find(({ name }) => labelForm.test(name));
  if (odd !== undefined) throw new Refusal(unknownFile(odd.name));
  if (files.length === 0) return { cts: [], segmentations: [], notes: [] };
  const reading = await readDicomSeries(files, how.reading);
  const { series, refused, passedOver } = reading;
  const label = refused.find(({ isLabel }) => isLabel);
  const first = series.length === 0 ? refused[0] : undefined;
  const broken = label ?? first;
  if (broken !== undefined) throw new Refusal(dicomProblem(broken.rule, broken.message));
  const [stray] = passedOver;
  if (series.length === 0 && stray !== undefined) throw new Refusal(unknownFile(stray));
  if (series.length + Number(hasCt) > 1 && how.series === 'ask') {
    throw new Refusal(severalSeries(series.length + Number(hasCt)));
  }
  const largest = series.reduce<DicomSeries | undefined>(
    (most, one) => (one.slices.length > (most?.slices.length ?? 0) ? one : most),
    undefined,
  );
  const segmentations = segmentationsOf(reading, largest);
  const left = reading.segmentations.length - segmentations.length;
  const notes = [
    ...notesOn(reading),
    ...(left > 0 ? [`${left} segmentations of other series are left out`] : []),
  ];
  if (largest === undefined) return { cts: [], segmentations, notes };
  const { frameOfReferenceUid, seriesInstanceUid } = largest;
  const ct = { frameOfReferenceUid, seriesInstanceUid, read: () => largest.readCt() };
  return { cts: [ct], segmentations, notes };
}

/** All but those that say that they were drawn on another series of the case. */
function segmentationsOf(
  { series, segmentations }: DicomReading,
  taken: DicomSeries | undefined,
): DicomSegmentation[] {
  const others = series.filter((one) => one !== taken).map((one) => one.seriesInstanceUid);
  return segmentations.filter(
    ({ sourceSeriesUids }) =>
      sourceSeriesUids.includes(taken?.seriesInstanceUid ?? '') ||
      !sourceSeriesUids.some((uid) => others.includes(uid)),
  );
}

function notesOn({ series, refused, localizerCount, passedOver }: DicomReading): string[] {
  return [
    ...(localizerCount > 0 ? [`${localizerCount} localizers are left out`] : []),
    ...refused.map(({ rule }) => `a series is left out: ${rule}`),
    ...(series.length > 1 ? [`the largest of ${series.length} series is taken`] : []),
    ...(passedOver.length > 0 ? [`${passedOver.length} other files are passed over`] : []),
  ];
}
