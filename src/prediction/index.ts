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
