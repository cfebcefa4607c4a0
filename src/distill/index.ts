export { checkCase, takeCase, type CaseToTake, type TakenCase } from './take-case.ts';
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
export { sizeFor, type PatchSize } from './patch-size.ts';
export {
  foregroundOf,
  drawPatch,
  drawSource,
  type Patch,
  type TrainingCase,
} from './patch-sampler.ts';
export { heartHead, heartChannels, heartUseOf, heartUses, type HeartUse } from './heart-map.ts';
export { modelInput } from './model-input.ts';
export { Learner } from './learner.ts';
export {
  Optimiser,
  type GradientOf,
  type OptimiserState,
  type ParameterMemory,
} from './optimiser.ts';
export { testSpeed, type Speed, type SpeedTest } from './speed-test.ts';
export { CaseShelf, type Shelf } from './case-shelf.ts';
export { caseCount, makeCase, type PhantomHospital } from './phantom-hospital.ts';
export { trainRound, type RoundTrained, type RoundTraining } from './round-training.ts';
export {
  inferenceDefaults,
  predictLabelMaps,
  predictLogits,
  type InferenceSettings,
} from './inference.ts';
export {
  distillationDefaults,
  predictUncertain,
  type DistillationSettings,
  type Uncertain,
} from './uncertainty.ts';
export { labelCases, type Teacher } from './pseudo-labels.ts';
export {
  evaluateCase,
  referenceOf,
  scoreCase,
  scoreHeart,
  type EvaluatedCase,
  type Reference,
  type Score,
} from './evaluation.ts';
export { NewHead, type HeadTraining, type NewHeadSettings } from './new-head.ts';
export {
  transferLandmark,
  type LandmarkFound,
  type LandmarkTransfer,
} from './landmark-transfer.ts';
export {
  HospitalJobs,
  type CheckArgs,
  type EvaluateArgs,
  type JobProgress,
  type LabelArgs,
  type MakeCasesArgs,
  type PictureArgs,
  type PicturedCase,
  type TakeCaseArgs,
  type TrainArgs,
  type TransferArgs,
} from './hospital-jobs.ts';
export { decodeStudent, encodeStudent, type StudentPackage } from './student-package.ts';
export { predictCt, type CtPrediction } from './prediction.ts';
export {
  predictionDocument,
  predictionFiles,
  predictionLines,
  verdictLines,
} from './prediction-files.ts';
