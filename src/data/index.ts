export { DataError, type DataErrorFacts, type LabelRule } from './errors.ts';
export {
  addVectors,
  crossProduct,
  distanceBetween,
  rotateAbout,
  rotated,
  scaleVector,
  stepAlong,
  subtractVectors,
  type Rotation,
  type Vector3,
} from './volume/vector.ts';
export {
  invertAffine,
  rasAffine,
  spacingOf,
  voxelCount,
  voxelMl,
  voxelToWorld,
  worldToVoxel,
  type Geometry,
  type Shape3,
  type Volume,
} from './volume/volume.ts';
export {
  channelCount,
  heartLabels,
  landmarkNames,
  parseTaskId,
  pointNames,
  taskIds,
  tasks,
  type LandmarkName,
  type PointName,
  type Task,
  type TaskId,
} from './tasks.ts';
export {
  annotatorDefaults,
  phantomDefaults,
  readingDefaults,
  scannerDefaults,
  validateAnnotatorSettings,
  validatePhantomSettings,
  validateReadingSettings,
  validateScannerSettings,
  type AnnotatorSettings,
  type PhantomSettings,
  type RareShares,
  type ReadingSettings,
  type ScannerSettings,
  type SceneName,
} from './settings.ts';
export { makePhantom } from './phantom/phantom.ts';
export type { Phantom, Truth } from './phantom/truth.ts';
export { annotate } from './phantom/annotator.ts';
export { labelMap, type Annotation } from './case/annotation.ts';
export { paintSpheres } from './volume/spheres.ts';
export { blurred } from './volume/blur.ts';
export {
  decodeCase,
  encodeCase,
  type Case,
  type LabelOrigin,
  type SoftLabelMap,
  type PointSet,
} from './case/case.ts';
export { decodeTruth, encodeTruth } from './phantom/truth-file.ts';
export { decodeNifti, decodeNiftiPair, niftiBytesMax, type NiftiImage } from './nifti/reader.ts';
export { encodeNifti, type NiftiSource } from './nifti/writer.ts';
export type { NiftiDatatype, NiftiHeader, NiftiOptions } from './nifti/header.ts';
export { toRas } from './volume/orientation.ts';
export {
  resample,
  resampleLabelsOnto,
  resampleOnto,
  respacedGeometry,
  type ResampleMode,
} from './volume/resample.ts';
export { normalise, paperScale, percentiles, type IntensityScale } from './volume/intensity.ts';
export { largestComponentCentre, pointsOf } from './volume/component.ts';
export { labelsOn } from './own/label-map.ts';
export { judge, type Answer } from './plausibility/answer.ts';
export { imageFindings } from './plausibility/image.ts';
export { rootFindings, type RootPoints } from './plausibility/root.ts';
export { plausibilityText, type Finding, type Plausibility } from './plausibility/verdict.ts';
export { readCt, readCtPair, type CtFile } from './own/ct.ts';
export { decodePoints, pointsFileEnds, stemOfPoints } from './own/points-file.ts';
export { labelNames, meaningOf, type LabelMeaning, type LabelNames } from './own/label-names.ts';
export {
  maskMeaning,
  siteCase,
  type SiteCase,
  type SiteMask,
  type SitePoints,
  type SiteSources,
} from './own/site-case.ts';
export {
  dicomProblem,
  doubtful,
  fixOf,
  problemOf,
  severalSeries,
  siteProblem,
  type CaseProblem,
  type CaseState,
  type SiteRule,
} from './own/case-problem.ts';
export { decodeMarkups, encodeMarkups } from './own/markups.ts';
export type { Markup } from './own/points-text.ts';
export {
  caseFileNames,
  caseFiles,
  checkOwnCase,
  readOwnCase,
  type CaseFile,
  type CaseFiles,
  type OwnCase,
} from './own/own-case.ts';
export {
  annulusPlane,
  heightMm,
  withinPlane,
  type AnnulusPlane,
  type HingePoints,
} from './measures/annulus-plane.ts';
export { unitText, type MeasureUnit } from './measures/measure-list.ts';
export {
  measureRoot,
  type Measure,
  type MeasureFlag,
  type MeasuredAnswer,
  type RootMeasures,
} from './measures/measures.ts';
export {
  csvLine,
  encodeMeasures,
  measuresCsv,
  measuresDocument,
} from './measures/measure-files.ts';
export {
  readDicomSeries,
  type DicomFile,
  type DicomReading,
  type DicomSegmentation,
  type DicomSeries,
  type RefusedSeries,
  type SourceSlice,
} from './dicom/series.ts';
export { listExaminations, type Examination, type Examinations } from './dicom/examinations.ts';
export type { CarriedAttributes } from './dicom/instance.ts';
export type { SegmentFile, SegmentFrame, SegmentName } from './dicom/segment-file.ts';
export type { SegmentTarget } from './dicom/segment-grid.ts';
export { segmentMasks, type NamedSegments, type SegmentMasks } from './own/segment-masks.ts';
export { dicomRules, type DicomRule } from './dicom/rules.ts';
export {
  encodeSegmentation,
  hasReferences,
  type DicomSegment,
  type SegmentationSource,
} from './dicom/segmentation.ts';
export { calciumWords, pointWords, type SegmentWords } from './dicom/segment-codes.ts';
