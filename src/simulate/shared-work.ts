/** Pure work done once for all nodes that were given the very same object, as broadcasts give them. */
import type { PureWork } from '../peer/index.ts';

/** A `PureWork` with a memory as long as its inputs live. Work that throws is done again. */
export function sharedWork(): PureWork {
  const done = new WeakMap<object, Map<unknown, unknown>>();
  return <I extends object, O>(work: (input: I) => O, input: I): O => {
    let outputs = done.get(input);
    if (outputs === undefined) {
      outputs = new Map();
      done.set(input, outputs);
    }
    // Not stored as undefined: work gives a value.
    const known = outputs.get(work) as O | undefined;
    if (known !== undefined) return known;
    const output = work(input);
    outputs.set(work, output);
    return output;
  };
}
