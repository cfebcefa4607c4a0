/** What can be wrong with data that comes from files, settings and callers. */
import { AnnulusError } from '../base/index.ts';
import type { DicomRule } from './dicom/rules.ts';

/** What is asked of labels, by name; docs/site-data.md says how each is mended. */
export type LabelRule =
  | 'unknown_name'
  | 'name_twice'
  | 'outside_ct'
  | 'same_place'
  | 'no_points'
  | 'other_grid'
  | 'other_value'
  | 'label_twice';

/** Facts behind a `DataError`, by code. Never holds text out of a patient's file. */
export type DataErrorFacts =
  /** The bytes are not of the expected kind at all. */
  | { readonly code: 'not_recognised'; readonly format: string }
  /** The bytes end before what their header promises. */
  | { readonly code: 'truncated'; readonly neededBytes: number; readonly givenBytes: number }
  /** A field holds a value that the format does not allow. */
  | { readonly code: 'bad_field'; readonly field: string }
  /** The format is valid, but holds something that is no CT volume or label map. */
  | { readonly code: 'unsupported'; readonly field: string }
  /** Larger than the caller allows. */
  | { readonly code: 'too_large'; readonly limit: number }
  /** Readable in more than one way: refused until an option says which. */
  | { readonly code: 'ask_first'; readonly option: string }
  /** A label that cannot be used as it is. */
  | { readonly code: 'bad_label'; readonly rule: LabelRule }
  /** A DICOM file or series breaks a rule of docs/specs/dicom.md. */
  | { readonly code: 'dicom'; readonly rule: DicomRule }
  /** A setting or an argument outside its range. */
  | { readonly code: 'bad_setting'; readonly field: string };

/** Bad input to `data`: the message says what was expected, what came and how to mend it. */
export class DataError extends AnnulusError<DataErrorFacts> {}
