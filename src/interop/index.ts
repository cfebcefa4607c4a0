export { InteropError, type InteropErrorFacts } from './errors.ts';
export { exportStudent, type ExportFormat } from './export.ts';
export { encodeBundle, type Companions } from './bundle.ts';
export { encodeTorchFile } from './torch-file.ts';
export { encodeOnnx } from './onnx.ts';
export { importWeights, type ImportOptions, type ImportReport } from './weights-file.ts';
export { importStudent, type ImportedStudent } from './import.ts';
export { importLines } from './import-report.ts';
export { encodeZip } from './zip-file.ts';
