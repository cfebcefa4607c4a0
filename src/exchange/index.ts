export { exportStudent, type Companions, type ExportFormat } from './export.ts';
