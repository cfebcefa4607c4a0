/** A student as other programs take it. */
import { encodeStudent, type StudentPackage } from '../distill/index.ts';

/** `safetensors`: PyTorch with `load_student.py`. */
export type ExportFormat = 'safetensors';

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
  switch (format) {
    case 'safetensors':
      return new Map([...encodeStudent(student), ['load_student.py', loader]]);
  }
}
