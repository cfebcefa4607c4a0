import { AnnulusError } from '../base/index.ts';

/** Why a weights file of another program, or an export to one, was refused. `file` is the name the reader was given. */
export type InteropErrorFacts =
  /** PyTorch's own format: opening it can run code. */
  | { readonly code: 'pickle'; readonly file: string }
  | { readonly code: 'bad_weights'; readonly file: string }
  /** A parameter with whole numbers, NaN or infinity. */
  | { readonly code: 'bad_tensor'; readonly file: string; readonly tensor: string }
  /** Nothing in it is a parameter of the model. */
  | { readonly code: 'other_model'; readonly file: string }
  /** A bundle's configuration knows one image. */
  | { readonly code: 'two_inputs' };

/** Bad input to the room of interop. */
export class InteropError extends AnnulusError<InteropErrorFacts> {}
