/** The error that names a broken rule. */
import { DataError } from '../errors.ts';
import { dicomRules, type DicomRule } from './rules.ts';

/** A broken rule; `detail` says what was expected and what came, and holds nothing that tells who the patient is. */
export function breaks(rule: DicomRule, detail: string, cause?: unknown): DataError {
  return new DataError({ code: 'dicom', rule }, `${detail}; ${dicomRules[rule]} (rule ${rule})`, {
    cause,
  });
}

/** `(0028,0010)`: a tag as the standard writes it. */
export function tagText(tag: number): string {
  const hex = tag.toString(16).padStart(8, '0');
  return `(${hex.slice(0, 4)},${hex.slice(4)})`;
}
