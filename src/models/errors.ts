/** What can be wrong with a model's description, its weights or its input. */
import { AnnulusError } from '../base/index.ts';

/** Each way in which a model, its weights or its input are refused, with the facts that the message names. */
export type ModelsErrorFacts =
  /** A model specification is ill-formed: what stands at `path` is not `expected`. */
  | { readonly code: 'bad_spec'; readonly path: string; readonly expected: string }
  /** An input's size does not fit the model. */
  | { readonly code: 'bad_input'; readonly shape: readonly number[]; readonly expected: string }
  /** Weights of another architecture: a parameter is absent or has another shape. */
  | { readonly code: 'wrong_weights'; readonly name: string; readonly expected: string }
  /** Sliding windows with a size, overlap or predictor that cannot work. */
  | { readonly code: 'bad_window'; readonly expected: string };

/** Bad input to `models`. */
export class ModelsError extends AnnulusError<ModelsErrorFacts> {
  constructor(facts: ModelsErrorFacts, options?: { cause?: unknown }) {
    super(facts, describe(facts), options);
  }
}

function describe(facts: ModelsErrorFacts): string {
  switch (facts.code) {
    case 'bad_spec':
      return `model specification: ${facts.path} must be ${facts.expected}`;
    case 'bad_input':
      return `model input [${facts.shape.join(', ')}]: expected ${facts.expected}`;
    case 'wrong_weights':
      return `weights of another architecture: ${facts.name} must be ${facts.expected}`;
    case 'bad_window':
      return `sliding window: ${facts.expected}`;
  }
}
