/**
 * Runs the consensus machine: hands it events one at a time and carries out its effects, in order. A record is on the disk
 * before what it stands for leaves.
 */
import type { NodeId } from '../base/index.ts';
import type { ConsortiumLog } from '../audit/index.ts';
import {
  openWal,
  type ConsensusEvent,
  type CheckedMessage,
  type Decision,
  type DecisionQuery,
  type Effect,
  type SimplexMachine,
  type WalRecord,
  type WriteAheadLog,
} from '../consensus/index.ts';
import { encodeBlockBody, readCertificate } from '../wire/index.ts';
import type { CountedChecks } from './counted-checks.ts';
import { PeerError } from './errors.ts';
import type { Task } from './event-queue.ts';
import { retiredText, type EvidenceStore } from './evidence-store.ts';
import type { Outbox } from './outbox.ts';
import type { PeerPorts } from './ports.ts';
import type { Timers } from './timers.ts';

/** What a `ConsensusDriver` works with. */
export interface ConsensusDriverPorts {
  readonly machine: SimplexMachine;
  /** Of the write-ahead log. */
  readonly epoch: number;
  readonly ports: Pick<PeerPorts, 'store' | 'transport' | 'logger'>;
  readonly log: Pick<ConsortiumLog, 'decision'>;
  readonly evidence: EvidenceStore;
  readonly checks: CountedChecks;
  readonly outbox: Outbox;
  readonly timers: Timers;
  /** This node's, public. */
  readonly consensusKey: Uint8Array;
  readonly post: (task: Task) => void;
  /** This node's key must not vote any more. */
  readonly onRetired: () => void;
  /** A block was decided. */
  readonly onDecided: (decision: Decision) => void;
}

/** See the file's header. */
export class ConsensusDriver {
  readonly #parts: ConsensusDriverPorts;
  #wal: { readonly height: number; readonly file: Promise<WriteAheadLog> } | null = null;

  constructor(parts: ConsensusDriverPorts) {
    this.#parts = parts;
  }

  /** Whether this node signs votes: not before others have shown it its own after a start. */
  get isVoter(): boolean {
    return this.#parts.machine.isVoter;
  }

  /** Begins, from the records that an earlier run left. */
  async start(records: readonly WalRecord[]): Promise<void> {
    await this.#carryOut(this.#parts.machine.start(records));
  }

  /** Hands over one event. @throws {PeerError} 'must_not_vote' when nothing decided from here on would mean anything */
  step(event: ConsensusEvent): Promise<void> | undefined {
    return this.#carryOut(this.#parts.machine.step(event));
  }

  /** Hands over a member's message, and puts the signatures that it brought to that member's account. */
  take(from: NodeId, bytes: Uint8Array, checked: CheckedMessage): Promise<void> | undefined {
    const { machine, checks } = this.#parts;
    const event = { kind: 'message', from, bytes, checked } as const;
    return this.#carryOut(checks.charging(from, () => machine.step(event)));
  }

  /** Most steps write nothing and are over at once. */
  #carryOut(effects: readonly Effect[]): Promise<void> | undefined {
    for (const [at, effect] of effects.entries()) {
      const work = this.#begin(effect);
      if (work !== undefined) return work.then(() => this.#carryOut(effects.slice(at + 1)));
    }
    return undefined;
  }

  /** Carries one effect out. The next one waits for what this gives. */
  #begin(effect: Effect): Promise<void> | undefined {
    const { ports, evidence, checks, outbox, timers, post, onDecided, onRetired } = this.#parts;
    const { transport, logger } = ports;
    switch (effect.kind) {
      case 'persist':
        return this.#persist(effect.record);
      case 'broadcast':
        transport.broadcast('consensus', effect.bytes);
        break;
      case 'send':
        transport.send(effect.to, 'consensus', effect.bytes);
        break;
      case 'setTimer':
        timers.set(effect.id, effect.delayMs, () => this.step({ kind: 'timer', id: effect.id }));
        break;
      case 'clearTimer':
        timers.clear(effect.id);
        break;
      case 'decide':
        onDecided({ body: effect.body, certificate: effect.certificate });
        if (this.isVoter) this.#prepare(effect.height + 1);
        break;
      case 'findDecision':
        void this.#findDecision(effect).catch((error: unknown) => {
          post(() => {
            throw error;
          });
        });
        break;
      case 'evidence':
        return evidence.keep(effect.culprit, effect.pair);
      case 'oversized':
        outbox.logOversized(effect.what, effect.sizeBytes);
        break;
      case 'retire':
        return evidence.retire(effect.reason, this.#parts.consensusKey).then(() => {
          logger.log('error', retiredText, { reason: effect.reason });
          onRetired();
        });
      case 'refused':
        checks.refuse(effect.from, effect.reason);
        break;
      case 'halt':
        throw new PeerError({ code: 'must_not_vote' }, effect.reason);
    }
    return undefined;
  }

  async #persist(record: WalRecord): Promise<void> {
    await (await this.#walOf(record.h)).append(record);
  }

  /** Reads an old decision off the log, beside the queue. */
  async #findDecision({ height, from, theirs }: DecisionQuery): Promise<void> {
    const { log, post } = this.#parts;
    const held = await log.decision(height);
    if (held === null) return;
    const certificate = readCertificate(held.certificate);
    const decision = { body: encodeBlockBody(held.body), certificate, epoch: held.body.e };
    post(() => this.step({ kind: 'foundDecision', height, from, theirs, ...decision }));
  }

  /** Makes the records' file of a height beside the queue, before a vote waits for it. */
  #prepare(height: number): void {
    this.#walOf(height)
      .then((file) => file.prepare())
      .catch(() => {
        // Whoever appends finds the same, or that it is over.
        if (this.#wal?.height === height) this.#wal = null;
      });
  }

  #walOf(height: number): Promise<WriteAheadLog> {
    if (this.#wal?.height !== height) {
      const { ports, epoch } = this.#parts;
      this.#wal = { height, file: openWal(ports.store, epoch, height) };
    }
    return this.#wal.file;
  }
}
