/** A student as other programs take it. */
import { encodeStudent, type StudentPackage } from '../distill/index.ts';
import { encodeOnnx } from './onnx.ts';

/** `safetensors`: PyTorch with `load_student.py`. `onnx`: any program that runs ONNX. */
export type ExportFormat = 'safetensors' | 'onnx';

/** Files of this package that go along as they are. */
export interface Companions {
  /** `python/load_student.py` */
  readonly loader: Uint8Array;
}

/** Files by name; a name may have folders, with forward slashes. */
export function exportStudent(
  student: StudentPackage,
  format: ExportFormat,
  { loader }: Companions,
): Map<string, Uint8Array> {
  const model = encodeStudent(student);
  switch (format) {
    case 'safetensors':
      return model.set('load_student.py', loader);
    case 'onnx':
      model.delete('model.safetensors');
      return model.set('model.onnx', encodeOnnx(student));
  }
}
