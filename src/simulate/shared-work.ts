/** Pure work done once for all nodes: for the very same object, as broadcasts give them, or for the very same update. */
import { hex, type NamedWork, type PureWork } from '../base/index.ts';
import type { Averager } from '../peer/index.ts';

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

/** Names that are remembered: of a log's last few heights. */
const namesMax = 16;

/** A `NamedWork` that remembers what was made last. */
export function sharedByName(): NamedWork {
  const made = new Map<string, unknown>();
  return <O>(name: string, make: () => O): O => {
    if (made.has(name)) return made.get(name) as O;
    const output = make();
    made.set(name, output);
    const [oldest] = made.keys();
    if (made.size > namesMax && oldest !== undefined) made.delete(oldest);
    return output;
  };
}

/**
 * An averager for each node with a memory that all share: what fits at one node fits at every other, since the digest names
 * the bytes and the content store has looked at them. What does not fit is looked at again by each.
 */
export function sharedChecks(): (averager: Averager) => Averager {
  const fitting = new Set<string>();
  return (averager) => ({
    ...averager,
    check: async (job) => {
      const { digest, key, context, weights, updateBytes } = job;
      const name = `${digest} ${hex(key)} ${hex(context)} ${updateBytes} ${JSON.stringify(weights)}`;
      if (fitting.has(name)) return { kind: 'fits' };
      const outcome = await averager.check(job);
      if (outcome.kind === 'fits') fitting.add(name);
      return outcome;
    },
  });
}
