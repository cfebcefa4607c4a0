export { DataError, type DataErrorFacts } from './errors.ts';
export type { Vector3 } from './vector.ts';
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
} from './volume.ts';
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
  type ReadingSettings,
  type ScannerSettings,
} from './settings.ts';
export { makePhantom, type Phantom, type Truth } from './phantom.ts';
export { annotate, labelMap, type Annotation } from './annotation.ts';
export { paintSpheres } from './spheres.ts';
export { blurred } from './blur.ts';
export {
  decodeCase,
  encodeCase,
  type Case,
  type LabelOrigin,
  type SoftLabelMap,
  type PointSet,
} from './case.ts';
export { decodeTruth, encodeTruth } from './truth-file.ts';
export { decodeNifti, decodeNiftiPair, niftiBytesMax, type NiftiImage } from './nifti.ts';
export { encodeNifti, type NiftiSource } from './nifti-write.ts';
export type { NiftiDatatype, NiftiHeader, NiftiOptions } from './nifti-header.ts';
export { toRas } from './orientation.ts';
export {
  resample,
  resampleLabelsOnto,
  resampleOnto,
  respacedGeometry,
  type ResampleMode,
} from './resample.ts';
export { normalise, paperScale, percentiles, type IntensityScale } from './intensity.ts';
export { largestComponentCentre, pointsOf } from './component.ts';
export { labelsOn } from './label-map.ts';
export { judge, type Answer } from './plausibility/answer.ts';
export { imageFindings } from './plausibility/image.ts';
export { rootFindings, type RootPoints } from './plausibility/root.ts';
export { plausibilityText, type Finding, type Plausibility } from './plausibility/verdict.ts';
export { readCt, type CtFile } from './ct.ts';
export { decodeMarkups, encodeMarkups, type Markup } from './markups.ts';
export {
  caseFileNames,
  caseFiles,
  checkOwnCase,
  readOwnCase,
  type CaseFile,
  type CaseFiles,
  type OwnCase,
} from './own-case.ts';
