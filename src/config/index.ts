export { ConfigError, type ConfigErrorFacts } from './errors.ts';
export { nearest } from './nearest.ts';
export { loadPreset, loadPresetFor, withOwnCases, type MemberLabels } from './load-preset.ts';
export type { Override } from './overrides.ts';
export { hasSection, loadSection, type SectionForm } from './section-settings.ts';
export { emptyStage, planForMembers } from './member-plan.ts';
export { loadArchitecture, type ModelLibrary } from './architecture.ts';
export {
  loadNodeFile,
  nodeFileDefaults,
  readNodeFile,
  type ReadNodeFile,
  type SettingsSection,
  type ControlSettings,
  type DataSettings,
  type NodeFile,
} from './node-file.ts';
export { nodeFileText, type NodeFileFacts } from './node-file-text.ts';
export { runDefaults, type RunSettings } from './run-settings.ts';
export {
  hospitalDefaults,
  isUncounted,
  trainingCaseCount,
  type CaseCounts,
  type ConsortiumSettings,
  type HospitalSettings,
} from './consortium-settings.ts';
export {
  trainingDefaults,
  type StageSettings,
  type TrainingSettings,
} from './training-settings.ts';
export { robustDefaults, type RobustSettings } from './robust-settings.ts';
export { robustRuleOf } from './run-plan-robust.ts';
export {
  modelDefaults,
  modelSpecFor,
  type Architecture,
  type ModelSettings,
} from './model-settings.ts';
export {
  backends,
  computeDefaults,
  engineOptionsOf,
  type ComputeSettings,
} from './compute-settings.ts';
export {
  holdersOf,
  imagesFor,
  limitsOf,
  limitsOfPlan,
  membersOf,
  minParticipantsOf,
  oneTaskHeart,
  patchOf,
  planOf,
  studentStage,
  taughtTasks,
  teacherStage,
  type StartDigests,
} from './run-plan.ts';
