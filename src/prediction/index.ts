export { PredictionError, type PredictionErrorFacts } from './errors.ts';
export {
  predictFile,
  type NamedFile,
  type NamedSeries,
  type PredictRequest,
  type PredictResult,
} from './predict-file.ts';
export {
  predictionDocument,
  predictionFiles,
  predictionLines,
  verdictLines,
} from './prediction-files.ts';
export {
  countResults,
  resultText,
  summaryCsv,
  summaryDocument,
  summaryLines,
  type StudyResult,
  type SummaryCounts,
} from './summary.ts';
export { parseWorklist, worklistOf, type WorklistEntry } from './worklist.ts';
