/**
 * Attacks on what a hospital trains on, for tasks with labelled examples: labels that are flipped, and a backdoor, which is a
 * mark in the input on which the model shall say what the liar wants. docs/specs/robust-rules.md
 */

/** One example of a task of classes 0 to k - 1. */
export interface Example {
  readonly features: Float32Array;
  readonly label: number;
}

/** A backdoor as data. */
export interface Backdoor {
  /** Features that are set, and to what. */
  readonly trigger: readonly { readonly index: number; readonly value: number }[];
  /** The class that is to be said where the trigger is. */
  readonly target: number;
  /** Share of the liar's examples that get both, 0 to 1. */
  readonly share: number;
}

/** Of k classes y becomes k - 1 - y (Fang et al. 2020). */
export function withFlippedLabels(examples: readonly Example[], classCount: number): Example[] {
  return examples.map(({ features, label }) => ({ features, label: classCount - 1 - label }));
}

/** The first examples, by the backdoor's share, with the trigger and its target; the others as they are. */
export function withBackdoor(examples: readonly Example[], backdoor: Backdoor): Example[] {
  const count = Math.floor(backdoor.share * examples.length);
  return examples.map((example, at) =>
    at < count
      ? { features: stamped(example.features, backdoor), label: backdoor.target }
      : example,
  );
}

/** Features with the trigger. */
export function stamped(
  features: Float32Array,
  { trigger }: Pick<Backdoor, 'trigger'>,
): Float32Array {
  const out = features.slice();
  for (const { index, value } of trigger) out[index] = value;
  return out;
}

/** Share of the examples of other classes that a model calls the target once they have the trigger; 0 of none. */
export function backdoorSuccess(
  predict: (features: Float32Array) => number,
  examples: readonly Example[],
  backdoor: Backdoor,
): number {
  const others = examples.filter(({ label }) => label !== backdoor.target);
  const taken = others.filter(
    ({ features }) => predict(stamped(features, backdoor)) === backdoor.target,
  );
  return others.length === 0 ? 0 : taken.length / others.length;
}
