/** The mixing of one decided cut on one node: what all say of their steps, this node's own way, and what may be sealed. */
import { fromUtf8, type Digest, type NodeId } from '../../../base/index.ts';
import { MixingSchedule, type UpdateFacts } from '../../../gossip/index.ts';
import {
  cutDigest,
  decodeReport,
  decodeStep,
  edgeProblems,
  openDigest,
  type Cut,
  type CutUpdate,
  type MixedSeal,
  type MixingRule,
  type StepStatement,
} from '../../../wire/index.ts';
import type { RoundContext } from '../../round-protocol.ts';
import type { LacksMessage } from './mixing-messages.ts';
import { OwnMixing, type OwnModel } from './own-mixing.ts';
import type { ReadStatement } from './statement-reader.ts';
import { StepBook, type Held } from './step-book.ts';

/** What a `CutMixing` tells. */
export interface CutMixingParts {
  readonly rule: MixingRule;
  readonly cut: Cut;
  /** What the envelopes of the cut's updates say, in its order. */
  readonly facts: readonly UpdateFacts[];
  /** This node has mixed. */
  readonly onDone: () => void;
}

/** Own steps that are said again at once to a member that lacks them. */
const repeatedMax = 8;

/** See the file's header. */
export class CutMixing {
  readonly cut: Cut;
  readonly digest: Digest;
  readonly #context: RoundContext;
  readonly #parts: CutMixingParts;
  readonly #schedule: MixingSchedule;
  readonly #book: StepBook;
  readonly #own: OwnMixing | null;
  readonly #place: number;
  #model: OwnModel | null = null;
  /** What each side of each edge signed, once it was compared. */
  #sealed: MixedSeal | null = null;

  constructor(context: RoundContext, parts: CutMixingParts) {
    const { open, self, ports } = context;
    const { rule, cut, facts } = parts;
    this.#context = context;
    this.#parts = parts;
    this.cut = cut;
    this.digest = cutDigest(cut);
    const settings = {
      ...{ topology: rule.topology, steps: rule.steps },
      ...{ epsilon: rule.epsilonNano / 1e9, clamp: rule.clampMicro / 1e6 },
    };
    this.#schedule = new MixingSchedule(
      settings,
      openDigest(open),
      facts.map(({ weight, heads }) => ({ weight, heads })),
    );
    this.#book = new StepBook(this.#schedule, ports.clock.nowMs(), rule.patienceMs);
    this.#place = this.#placeOf(self);
    this.#own = this.#ownMixing();
  }

  #ownMixing(): OwnMixing | null {
    const update = this.#parts.facts[this.#place];
    if (update === undefined) return null;
    return new OwnMixing(this.#context, {
      ...{ cut: this.cut, schedule: this.#schedule, book: this.#book, place: this.#place, update },
      onLacking: () => {
        this.#sayLacking(new Map());
      },
      onStep: (bytes) => {
        this.take({ kind: 'step', ...decodeStep(bytes), bytes });
        this.#context.broadcast({ t: 'step', r: this.#round, statement: fromUtf8(bytes) });
      },
      onDone: (model, bytes) => {
        this.#model = model;
        this.take({ kind: 'report', ...decodeReport(bytes), bytes });
        this.#context.broadcast({ t: 'report', r: this.#round, statement: fromUtf8(bytes) });
        this.#parts.onDone();
      },
    });
  }

  get #round(): Cut['r'] {
    return this.#context.open.r;
  }

  /** Begins this node's own way, if its update is in the cut. */
  begin(): void {
    this.#own?.begin();
  }

  /** Another cut was decided. */
  end(): void {
    this.#own?.end();
  }

  /** The own model, once it is there. */
  get model(): OwnModel | null {
    return this.#model;
  }

  /** Members whose contributions are mixed. */
  get size(): number {
    return this.#schedule.size;
  }

  /** Takes a statement of this cut. */
  take(read: ReadStatement): void {
    const member = this.#placeOf(read.statement.author);
    const atMs = this.#context.ports.clock.nowMs();
    const refusal =
      read.kind === 'step'
        ? (this.#receiversFault(member, read.statement) ??
          this.#book.takeStep(member, { ...read, atMs }))
        : this.#book.takeReport(member, { ...read, atMs });
    if (refusal !== null) {
      const facts = { round: this.#round, from: read.statement.author, reason: refusal };
      this.#context.ports.logger.log('error', `a ${read.kind} is refused`, facts);
    }
    this.#own?.goOn();
  }

  #receiversFault(member: number, { step, sealedKeys }: StepStatement): string | null {
    const receivers = this.#schedule.listeners(step, member).map((place) => this.#idOf(place));
    const named = Object.keys(sealedKeys).sort();
    return named.join() === receivers.sort().join() ? null : `other receivers of step ${step}`;
  }

  /** A member lacks states of a step: whoever can says again what it said. */
  takeLacks(from: NodeId, { step, from: lacked }: LacksMessage): void {
    const places = lacked.map((id) => this.#placeOf(id)).filter((place) => place >= 0);
    const member = this.#placeOf(from);
    this.#book.takeLacks(member, step, places, this.#context.ports.clock.nowMs());
    if (this.#place < 0 || !places.includes(this.#place)) return;
    for (const { bytes } of this.#book.stepsFrom(this.#place, step, repeatedMax)) {
      this.#context.send(from, { t: 'step', r: this.#round, statement: fromUtf8(bytes) });
    }
  }

  /** A tick has passed: says again what may have been lost, and what is missing. */
  repeat(afterMs: number): void {
    const { broadcast, ports } = this.#context;
    const r = this.#round;
    for (const own of [this.#book.lastStep(this.#place), this.#book.report(this.#place)]) {
      if (own === null) continue;
      const t = 'step' in own.statement ? 'step' : 'report';
      broadcast({ t, r, statement: fromUtf8(own.bytes) });
    }
    const lacking = new Map(
      [...this.#book.gaps(ports.clock.nowMs(), afterMs)].map(([step, places]) => [
        step,
        new Set(places.map((place) => this.#idOf(place))),
      ]),
    );
    this.#sayLacking(lacking);
    this.#own?.goOn();
  }

  /** Whose states this node waits for, and @param lacking statements that may have been lost, by step. */
  #sayLacking(lacking: Map<number, Set<NodeId>>): void {
    const { step: ownStep, from: awaited } = this.#own?.lacking ?? { step: 0, from: [] };
    if (awaited.length > 0) {
      lacking.set(ownStep, new Set([...(lacking.get(ownStep) ?? []), ...awaited]));
    }
    for (const [step, ids] of lacking) {
      const from = [...ids].filter((id) => id !== this.#context.self).sort();
      if (from.length === 0) continue;
      const said = { t: 'lacks', r: this.#round, cut: this.digest, step, from } as const;
      this.#context.broadcast(said);
      this.takeLacks(this.#context.self, said);
    }
  }

  /** What may be sealed stands on everybody's report, and these agree; null while one is missing or contradicts another. */
  seal(): MixedSeal | null {
    if (this.#sealed !== null) return this.#sealed;
    const reports = this.#book.reports();
    if (reports === null) return null;
    const problems = edgeProblems(reports.map(({ statement }) => statement));
    if (problems.length > 0) return null;
    this.#sealed = {
      epsilonNano: this.#parts.rule.epsilonNano,
      steps: this.#schedule.steps,
      reports: reports.map(({ digest: report }, place) => ({ peer: this.#idOf(place), report })),
    };
    return this.#sealed;
  }

  /** Models that members have signed as theirs, and who did. */
  signedModels(): ReadonlyMap<Digest, readonly NodeId[]> {
    const models = new Map<Digest, NodeId[]>();
    for (const [place, { statement }] of (this.#book.reports() ?? []).entries()) {
      models.set(statement.model, [...(models.get(statement.model) ?? []), this.#idOf(place)]);
    }
    return models;
  }

  /** Bytes of a report that is here. */
  report(digest: Digest): Uint8Array | null {
    for (let place = 0; place < this.size; place++) {
      const held: Held<unknown> | null = this.#book.report(place);
      if (held?.digest === digest) return held.bytes;
    }
    return null;
  }

  /** What is left of the cut without those who can be waited for no longer; null when nobody is. */
  smallerCut(): readonly CutUpdate[] | null {
    const stuck = this.#book.stuck(this.#context.ports.clock.nowMs());
    if (stuck.length === 0) return null;
    return this.cut.updates.filter((_, place) => !stuck.includes(place));
  }

  /** Whether this node too has waited long enough for a member of the cut. */
  mayLeaveOut(peer: NodeId): boolean {
    return this.#book.isStuck(this.#placeOf(peer), this.#context.ports.clock.nowMs());
  }

  #placeOf(id: NodeId): number {
    return this.cut.updates.findIndex(({ peer }) => peer === id);
  }

  #idOf(place: number): NodeId {
    return this.cut.updates[place]?.peer ?? this.#context.self;
  }
}
