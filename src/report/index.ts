export { slicePng } from './slice-png.ts';
export { renderPatient, type MeasureRow, type PatientRecord } from './patient-page.ts';
export { renderCases, type CaseToShow } from './cases-page.ts';
export { renderReport } from './report.ts';
export { reportStyle } from './report-style.ts';
export { reproductionText } from './reproduction-text.ts';
export { summaryOf, type MissedRound, type RunSummary } from './run-summary.ts';
export { renderReproduction } from './reproduction-report.ts';
export { graphPicture, type GraphPicture } from './graph-picture.ts';
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
  type SliceLine,
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
export {
  csvOf,
  labFormat,
  nodeColumns,
  roundColumns,
  type LabFrame,
  type LabNode,
  type LabPlanTree,
  type LabRecord,
  type LabRound,
  type LabSettingsTree,
} from './lab/lab-record.ts';
export { heldOutWords, type HeldOutWords } from './lab/held-out.ts';
export { renderLab } from './lab/lab-report.ts';
export {
  compareRuns,
  type Band,
  type ComparedGroup,
  type ComparedRun,
  type Comparison,
} from './lab/compare-runs.ts';
export { comparisonFigures, comparisonText, renderComparison } from './lab/comparison-report.ts';
export { bandFile, type BandChart, type BandCurve } from './lab/band-chart.ts';
