export { ExchangeError, type ExchangeErrorFacts } from './errors.ts';
export { exportStudent, type ExportFormat } from './export.ts';
export { encodeBundle, type Companions } from './bundle.ts';
export { encodeTorchFile } from './torch-file.ts';
export { encodeOnnx } from './onnx.ts';
export { importCheckpoint, type ImportOptions, type ImportReport } from './checkpoint.ts';
export { importStudent, type ImportedStudent } from './import.ts';
export { importLines } from './import-report.ts';
