/** A student as other programs take it. */
import { encodeStudent, type StudentPackage } from '../distill/index.ts';
import { encodeBundle, type Companions } from './bundle.ts';
import { encodeOnnx } from './onnx.ts';

/**
 * `safetensors`: PyTorch with `load_student.py`. `onnx`: any program that runs ONNX. `bundle`: MONAI, from CTs to label
 * maps.
 */
export type ExportFormat = 'safetensors' | 'onnx' | 'bundle';

/**
 * Files by name; a name may have folders, with forward slashes.
 * @throws {InteropError} 'two_inputs' for a bundle of a model with a second input
 */
export function exportStudent(
  student: StudentPackage,
  format: ExportFormat,
  companions: Companions,
): Map<string, Uint8Array> {
  const model = encodeStudent(student);
  switch (format) {
    case 'safetensors':
      return model.set('load_student.py', companions.loader);
    case 'onnx':
      model.delete('model.safetensors');
      return model.set('model.onnx', encodeOnnx(student));
    case 'bundle':
      return encodeBundle(student, companions);
  }
}
