/** The faults of a world as they begin and end on its clock, and what those under way add up to. Changes nothing itself. */
import type { Clock, NodeId } from '../base/index.ts';
import type { Fault } from './faults.ts';
import { trueClock, type ClockError } from './node-clock.ts';
import type { DiskFaults } from './virtual-disk.ts';
import type { NetworkFaults } from './virtual-network.ts';

/** See the file's header. */
export class FaultSchedule {
  readonly #active: Fault[] = [];

  /** @param onChange hears of each fault when it has begun and when it is over */
  constructor(
    clock: Pick<Clock, 'setTimer'>,
    faults: readonly Fault[],
    onChange: (fault: Fault, isBegin: boolean) => void,
  ) {
    for (const fault of faults) {
      clock.setTimer(fault.atMs, () => {
        this.#active.push(fault);
        onChange(fault, true);
        clock.setTimer(fault.forMs, () => {
          this.#active.splice(this.#active.indexOf(fault), 1);
          onChange(fault, false);
        });
      });
    }
  }

  /** Whether a fault of this kind of the node is under way. */
  isUnder(id: NodeId, kind: Fault['kind']): boolean {
    return this.#active.some(
      (fault) => fault.kind === kind && 'node' in fault && fault.node === id,
    );
  }

  /** How many times as long the node trains. */
  slowness(id: NodeId): number {
    return this.#active.reduce((product, fault) => {
      return fault.kind === 'slow' && fault.node === id ? product * fault.factor : product;
    }, 1);
  }

  /** The network, `base` where no fault says otherwise. */
  network(base: NetworkFaults): NetworkFaults {
    const faults = { ...base };
    for (const fault of this.#active)
      if (fault.kind === 'network') Object.assign(faults, fault.faults);
    return faults;
  }

  /** Who reaches whom by the latest partition; null without one. */
  partition(): readonly (readonly NodeId[])[] | null {
    const groups = this.#active.flatMap((fault) =>
      fault.kind === 'partition' ? [fault.groups] : [],
    );
    return groups.at(-1) ?? null;
  }

  /** The node's disk, `base` where no fault says otherwise. */
  disk(id: NodeId, base: DiskFaults): DiskFaults {
    const faults = { ...base };
    for (const fault of this.#active) {
      if (fault.kind === 'disk' && fault.node === id) Object.assign(faults, fault.faults);
    }
    return faults;
  }

  /** The latest error of the node's clock. */
  clockError(id: NodeId): ClockError {
    const errors = this.#active.flatMap((fault) =>
      fault.kind === 'clock' && fault.node === id ? [fault.error] : [],
    );
    return errors.at(-1) ?? trueClock;
  }
}
