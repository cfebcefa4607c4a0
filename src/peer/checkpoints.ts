/** Checkpoints between members: each sends its own, gathers the others' cosignatures, and helps those who lack some. */
import type { Clock, Logger, NodeId } from '../base/index.ts';
import type { CheckedNote, ConsortiumLog } from '../audit/index.ts';
import type { BlockBody, Transport } from '../wire/index.ts';

/** What `Checkpoints` works with. */
export interface CheckpointPorts {
  readonly log: Pick<
    ConsortiumLog,
    'head' | 'cosignedSize' | 'checkpoint' | 'cosignedCheckpoint' | 'addCosignatures'
  >;
  readonly transport: Pick<Transport, 'broadcast' | 'send'>;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly logger: Logger;
  /** A member is helped once in so long, ms: an answer costs more than to ask. */
  readonly helpEveryMs: number;
  /** A member's checkpoint contradicts our log; told once for each member. */
  readonly onFork: (member: NodeId) => void;
}

/** See the file's header. */
export class Checkpoints {
  readonly #ports: CheckpointPorts;
  /** Members whose contradicting checkpoint was logged. */
  readonly #forksLogged = new Set<NodeId>();
  /** When a member last got our cosigned checkpoint, ms since 1970. */
  readonly #helpedAtMs = new Map<NodeId, number>();

  constructor(ports: CheckpointPorts) {
    this.#ports = ports;
  }

  /**
   * A block was applied: sends this node's checkpoint of the log's head to all. Not after a CUT: the block that ends the
   * round comes soon, its head covers both, and if it does not come `repeat` tells this one.
   */
  applied(body: BlockBody): void {
    if (!body.ops.some(({ op }) => op === 'CUT')) this.#broadcast();
  }

  /** Sends it again, unless a quorum has cosigned the whole log. */
  repeat(): void {
    const { log } = this.#ports;
    if (log.cosignedSize < log.head.size) this.#broadcast();
  }

  #broadcast(): void {
    const note = this.#ports.log.checkpoint();
    if (note !== null) this.#ports.transport.broadcast('log', note);
  }

  /** Takes the cosignatures of a checkpoint that was checked. One that contradicts our log is logged, once for each member. */
  async merge(from: NodeId, note: CheckedNote): Promise<void> {
    const outcome = await this.#ports.log.addCosignatures(note);
    if (outcome !== 'fork' || this.#forksLogged.has(from)) return;
    this.#forksLogged.add(from);
    this.#ports.logger.log('error', 'a checkpoint contradicts our log', { from });
    this.#ports.onFork(from);
  }

  /** Sends our cosigned checkpoint to a member whose log lacks cosignatures. @param cosignedSize what it says of its log */
  help(member: NodeId, cosignedSize: number): void {
    const { log, transport, clock, helpEveryMs } = this.#ports;
    if (cosignedSize >= log.cosignedSize) return;
    const note = log.cosignedCheckpoint();
    const nowMs = clock.nowMs();
    const helpedMs = this.#helpedAtMs.get(member) ?? -Infinity;
    if (note === null || nowMs - helpedMs < helpEveryMs) return;
    this.#helpedAtMs.set(member, nowMs);
    transport.send(member, 'log', note);
  }
}
