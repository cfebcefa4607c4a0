import { AnnulusError } from '../base/index.ts';

/** Why numbers or files of numbers were refused. */
export type WeightsErrorFacts =
  /** Not a safetensors file, or one that breaks a rule. */
  | { readonly code: 'malformed'; readonly expected: string }
  /** More than the caller allowed; told before it is allocated. */
  | { readonly code: 'too_large'; readonly what: string; readonly max: number }
  /** NaN or infinity, which would turn into 0 silently. */
  | { readonly code: 'not_finite'; readonly index: number }
  /** A value larger than its sender's weight allows. */
  | { readonly code: 'out_of_range'; readonly index: number }
  /** The number of values, the names or the shapes are not those of the model. */
  | { readonly code: 'shape_mismatch'; readonly expected: string }
  /** A weight that is not an integer from 1 to the agreed maximum. */
  | { readonly code: 'bad_weight'; readonly weightMax: number };

/** Bad input to the arithmetic of models. */
export class WeightsError extends AnnulusError<WeightsErrorFacts> {}
