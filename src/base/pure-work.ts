/**
 * Does pure work on something that nobody changes. A node simply does it (`doNow`); a simulation of many nodes does it once
 * for all that were given the very same object.
 */
export type PureWork = <I extends object, O>(work: (input: I) => O, input: I) => O;

/** Does the work. */
export const doNow: PureWork = (work, input) => work(input);

/** Makes what its name determines: a node simply makes it (`makeNow`), a simulation makes it once for all nodes. */
export type NamedWork = <O>(name: string, make: () => O) => O;

/** Makes it. */
export const makeNow: NamedWork = (_, make) => make();
