/** The rules that a DICOM CT series must keep, by name; docs/specs/dicom.md has what each expects. */

/** Names of the rules. */
export const dicomRules = [
  'file_cut_short',
  'file_damaged',
  'file_too_large',
  'transfer_syntax',
  'not_ct',
  'no_pixels',
  'pixel_format',
  'pixels_damaged',
  'rescale',
  'value',
  'missing_value',
  'orientation',
  'spacing',
  'position',
  'size',
  'mixed_size',
  'mixed_orientation',
  'mixed_spacing',
  'mixed_study',
  'one_slice',
  'missing_slices',
  'uneven_slices',
  'duplicate_slices',
  'several_phases',
] as const;

/** Name of a rule. */
export type DicomRule = (typeof dicomRules)[number];
