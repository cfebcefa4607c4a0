export { checkCase, takeCase, type CaseToTake, type TakenCase } from './cases/take-case.ts';
export { DistillError, type DistillErrorFacts } from './errors.ts';
export {
  adamWDefaults,
  intensityDefaults,
  optimiserKinds,
  samplingDefaults,
  type OptimiserKind,
  type AdamWOptimiser,
  type OptimiserSettings,
  type SamplingSettings,
} from './settings.ts';
export { sizeFor, type PatchSize } from './train/patch-size.ts';
export {
  foregroundOf,
  drawPatch,
  drawSource,
  type Patch,
  type TrainingCase,
} from './train/patch-sampler.ts';
export { heartHead, heartChannels, heartUseOf, heartUses, type HeartUse } from './heart-map.ts';
export { modelInput } from './model-input.ts';
export { LoadedModel, type LoadedParameter } from './loaded-model.ts';
export { Learner } from './train/learner.ts';
export {
  Optimiser,
  type GradientOf,
  type OptimiserState,
  type ParameterMemory,
} from './train/optimiser.ts';
export { testSpeed, type Speed, type SpeedTest } from './train/speed-test.ts';
export { CaseStore, type CaseSplit } from './cases/case-store.ts';
export {
  caseCount,
  makeCase,
  phantomOf,
  type MadePhantom,
  type PhantomHospital,
  type PhantomMaking,
} from './cases/phantom-hospital.ts';
export { phantomFiles } from './cases/phantom-files.ts';
export { trainRound, type RoundTrained, type RoundTraining } from './train/round-training.ts';
export {
  inferenceDefaults,
  predictLabelMaps,
  predictLogits,
  type InferenceSettings,
} from './predict/inference.ts';
export {
  distillationDefaults,
  predictUncertain,
  type DistillationSettings,
  type Uncertain,
} from './label/soft-labels.ts';
export { labelCases, type Teacher } from './label/pseudo-labels.ts';
export {
  evaluateCase,
  referenceOf,
  scoreCase,
  scoreHeart,
  type EvaluatedCase,
  type Reference,
  type Score,
} from './predict/evaluation.ts';
export { Probe, type ProbeSettings, type ProbeTraining } from './probe/probe.ts';
export {
  transferLandmark,
  type LandmarkFound,
  type LandmarkTransfer,
} from './probe/landmark-transfer.ts';
export {
  slicesOf,
  type Mark,
  type MarkOnSlice,
  type Scene,
  type Slice,
  type SliceLine,
  type SlicePlane,
} from './predict/slice-planes.ts';
export { annulusSlices, type AnnulusSlice } from './predict/annulus-slices.ts';
export { heldOutScene } from './predict/held-out-scene.ts';
export { HospitalJobs } from './hospital-jobs.ts';
export type {
  CheckArgs,
  EvaluateArgs,
  JobProgress,
  LabelArgs,
  LabelledArgs,
  MakeCasesArgs,
  PictureArgs,
  PicturedCase,
  TakeCaseArgs,
  TrainArgs,
  TransferArgs,
} from './job-args.ts';
export { decodeStudent, encodeStudent, type StudentPackage } from './predict/student-package.ts';
export { predictCt, type CtPrediction } from './predict/prediction.ts';
