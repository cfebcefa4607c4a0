export { renderCases, type CaseToShow } from './cases-page.ts';
export { renderReport } from './report.ts';
export { reportStyle } from './report-style.ts';
export { reproductionText } from './reproduction-text.ts';
export { summaryOf, type MissedRound, type RunSummary } from './run-summary.ts';
export { renderReproduction } from './reproduction-report.ts';
export { encodeGrayPng } from './png.ts';
export { absent, bytesText, durationText, fixed, percent, shortDigest } from './figures.ts';
export {
  recordVersion,
  type ConsortiumRecord,
  type Distribution,
  type EvaluationGroup,
  type EvaluationRow,
  type FaultRecord,
  type HospitalRecord,
  type LogVerdict,
  type MachineRecord,
  type NodeRecord,
  type ParticipantRecord,
  type RoundCheck,
  type RoundRecord,
  type RunRecord,
  type SlicePicture,
  type SlicePoint,
  type StageTime,
  type TaskRecord,
  type VirtualFault,
  type VirtualAttack,
  type VirtualRecord,
} from './run-record.ts';
export type { HospitalState, OnProgress, PlannedStage, ProgressEvent } from './progress.ts';
export {
  reproductionVersion,
  type ArmRecord,
  type ClientGroup,
  type DownstreamFigures,
  type DownstreamRecord,
  type Figures,
  type GroupFigures,
  type HospitalFigures,
  type Interval,
  type ModelRecord,
  type PaperMedian,
  type ReproductionRecord,
  type VerdictRecord,
} from './reproduction-record.ts';
