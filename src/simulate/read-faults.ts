/** Reads faults that came from outside: a list that a person wrote, or the one in the record of another run. */
import type { NodeId } from '../base/index.ts';
import {
  arr,
  bool,
  checked,
  int,
  literal,
  malformed,
  nodeId,
  obj,
  optional,
  unionBy,
  type Reader,
} from '../wire/index.ts';
import type { DiskFaults } from './virtual-disk.ts';
import { calmNetwork, type NetworkFaults } from './virtual-network.ts';
import type { Fault } from './faults.ts';

/** So many at most. */
const countMax = 10_000;
/** A fault begins within a year and lasts no longer, ms. */
const yearMs = 366 * 86_400_000;

const atMs = int(0, yearMs);
const forMs = int(1, yearMs);
const share = num(0, 1);
const duration = num(0, yearMs);
const count = int(0, Number.MAX_SAFE_INTEGER);

const readNetwork: Reader<Partial<NetworkFaults>> = checked(
  obj({
    latencyMsMin: optional(duration),
    latencyMsMax: optional(duration),
    dropRate: optional(share),
    duplicateRate: optional(share),
    breakRate: optional(share),
    bytesPerSecond: optional(num(1, Number.MAX_SAFE_INTEGER)),
  }),
  (faults) => {
    const { latencyMsMin, latencyMsMax } = { ...calmNetwork, ...faults };
    return latencyMsMin > latencyMsMax ? 'latencyMsMin not above latencyMsMax' : null;
  },
);

const readDisk: Reader<Partial<DiskFaults>> = obj({
  writeMs: optional(duration),
  bytesMax: optional(count),
  writesLeft: optional(count),
  lies: optional(bool),
});

/**
 * A list of faults among `members`.
 * @throws {WireError} 'malformed' naming the place and what was expected there
 */
export function readFaults(value: unknown, members: readonly NodeId[]): readonly Fault[] {
  const known = new Set<NodeId>(members);
  const node = checked(nodeId, (id) => (known.has(id) ? null : `one of ${members.join(', ')}`));
  const nodes = arr(node, members.length);
  const span = { atMs, forMs };
  const readFault = unionBy<Fault>('kind', {
    kill: obj({ kind: literal('kill'), ...span, node }),
    pause: obj({ kind: literal('pause'), ...span, node }),
    partition: obj({ kind: literal('partition'), ...span, groups: arr(nodes, members.length) }),
    cut: obj({ kind: literal('cut'), ...span, from: nodes, to: nodes }),
    network: obj({ kind: literal('network'), ...span, faults: readNetwork }),
    disk: obj({ kind: literal('disk'), ...span, node, faults: readDisk }),
    clock: obj({
      ...{ kind: literal('clock'), ...span, node },
      error: obj({ skewMs: num(-yearMs, yearMs), driftPpm: num(-999_999, 1_000_000_000) }),
    }),
    slow: obj({ kind: literal('slow'), ...span, node, factor: num(0, 1_000_000) }),
  });
  return arr(readFault, countMax)(value);
}

function num(min: number, max: number): Reader<number> {
  return (value, path = '$') => {
    if (typeof value === 'number' && value >= min && value <= max) return value;
    throw malformed(path, `a number from ${min} to ${max}`);
  };
}
