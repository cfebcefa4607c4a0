export { exportStudent, type Companions, type ExportFormat } from './export.ts';
export { encodeOnnx } from './onnx.ts';
