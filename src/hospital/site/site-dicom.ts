/** The DICOM files of a case: its CT, and labels that were saved as a DICOM SEG. */
import {
  dicomProblem,
  readDicomSeries,
  severalSeries,
  spacingOf,
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

/** Whether a file may hold labels that cannot be read. */
export function mayBeLabel(name: string): boolean {
  return labelForm.test(name);
}

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
  const odd = files.find(({ name }) => mayBeLabel(name));
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
  const taken = takenOf(series, hasCt, how.series);
  const segmentations = segmentationsOf(reading, taken);
  const left = reading.segmentations.length - segmentations.length;
  const notes = [
    ...notesOn(reading),
    ...(series.length > 1 ? [`one of ${series.length} series is taken: ${taken?.key ?? ''}`] : []),
    ...(left > 0 ? [`${left} segmentations of other series are left out`] : []),
  ];
  if (taken === undefined) return { cts: [], segmentations, notes };
  const { frameOfReferenceUid, seriesInstanceUid } = taken;
  const ct = { frameOfReferenceUid, seriesInstanceUid, read: () => taken.readCt() };
  return { cts: [ct], segmentations, notes };
}

/** The series that is the case's. @throws {Refusal} several_series where nobody said which */
function takenOf(
  series: readonly DicomSeries[],
  hasCt: boolean,
  which: SiteReading['series'],
): DicomSeries | undefined {
  const slices = Math.max(...series.map((one) => one.slices.length));
  const isMeant = (one: DicomSeries): boolean =>
    which === 'largest' ? one.slices.length === slices : which.includes(one.key);
  const meant = series.filter(isMeant);
  const [first, ...others] = meant.length > 0 || which === 'largest' ? meant : series;
  const isOne = others.length === 0 && (!hasCt || first === undefined || meant.length > 0);
  if (isOne) return first;
  const told = series.map((one) => {
    const apart = Number(spacingOf(one.geometry.affine)[0].toFixed(2));
    return `${one.key} (${one.slices.length} slices, ${apart} mm apart)`;
  });
  throw new Refusal(severalSeries(hasCt ? [...told, 'a NIfTI file'] : told));
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

function notesOn({ refused, localizerCount, passedOver }: DicomReading): string[] {
  return [
    ...(localizerCount > 0 ? [`${localizerCount} localizers are left out`] : []),
    ...refused.map(({ rule }) => `a series is left out: ${rule}`),
    ...(passedOver.length > 0 ? [`${passedOver.length} other files are passed over`] : []),
  ];
}
