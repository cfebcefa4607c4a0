/** The rules that a DICOM CT series must keep; docs/specs/dicom.md has the same table. */

/** By name: how what breaks it is put right. What was expected and what came is said where it is found out. */
export const dicomRules = {
  file_cut_short: 'copy or export the file again',
  file_damaged: 'export the file again',
  too_large: 'export one series of the heart alone, or allow more with --voxels-max',
  transfer_syntax: 'export it uncompressed (Explicit VR Little Endian) or as JPEG 2000 lossless',
  not_ct: 'take it out of the folder, or name the CT series',
  no_pixels: 'export the images themselves, not their headers alone',
  pixel_format: 'export the original CT images, no screenshots or derived maps',
  pixels_damaged: 'export the file again, uncompressed if it stays so',
  rescale: 'export the original CT images, whose values become HU by slope and intercept',
  missing_value: 'export the original CT images with their whole header',
  value: 'export the original CT images; the header is damaged',
  position: 'export the original CT images; the place of a slice must be in its header',
  spacing: 'export the original CT images; the size of a pixel must be in the header',
  orientation: 'export the original slices, or a reconstruction of parallel slices',
  mixed_study: 'export one series of one examination alone',
  mixed_size: 'export the slices of one reconstruction alone',
  mixed_orientation:
    'export the slices of one reconstruction alone, without scouts and other views',
  mixed_spacing: 'export the slices of one reconstruction alone',
  one_slice: 'export the whole series',
  missing_slices: 'export the whole series again; slices between are not there',
  uneven_slices: 'export a reconstruction with slices at equal distances',
  duplicate_slices: 'remove the copies, or export the series again into an empty folder',
  seg_type: 'save the segmentation as BINARY, or its segments as NIfTI label maps',
  seg_segments: 'save the segmentation again with the program that made it',
  seg_other_ct:
    'put it beside the CT that it was drawn on; export both together, or save its segments as NIfTI label maps',
  several_phases: 'export one phase of the heart as a series of its own',
} as const;

/** Name of a rule. */
export type DicomRule = keyof typeof dicomRules;
