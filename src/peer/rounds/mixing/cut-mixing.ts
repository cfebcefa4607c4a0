/** The mixing of one decided cut on one node: what all say of their steps, this node's own way, and what may be sealed. */
import { base64, fromBase64, fromUtf8, type Digest, type NodeId } from '../../../base/index.ts';
import { bulkKeyBytes } from '../../../crypto/index.ts';
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
import { BlamedStates } from './blamed-states.ts';
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
  readonly #blamed: BlamedStates;
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
      ...(rule.compression && { compression: rule.compression }),
    };
    this.#schedule = new MixingSchedule(
      settings,
      openDigest(open),
      facts.map(({ weight, heads }) => ({ weight, heads })),
    );
    this.#book = new StepBook(this.#schedule, ports.clock.nowMs(), rule.patienceMs);
    this.#blamed = new BlamedStates(context, this.#schedule, this.#book);
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
  takeLacks(from: NodeId, { step, from: lacked, keys }: LacksMessage): void {
    const places = lacked.map((id) => this.#placeOf(id)).filter((place) => place >= 0);
    const member = this.#placeOf(from);
    this.#book.takeLacks(member, step, places, this.#context.ports.clock.nowMs());
    for (const place of places) {
      const key = fromBase64(keys[this.#idOf(place)] ?? '');
      if (member < 0 || key?.byteLength !== bulkKeyBytes) continue;
      this.#blamed.look({ member: place, step, receiver: member, key });
    }
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
    this.#sayLacking(this.#book.gaps(ports.clock.nowMs(), afterMs));
    this.#own?.tryAgain();
  }

  /**
   * Whose states this node waits for, and whose statements may have been lost: all of a step in one message, for the next one
   * takes its place. A key is told where the state cannot be used, or does not come.
   */
  #sayLacking(gaps: ReadonlyMap<number, readonly number[]>): void {
    const { step: ownStep, from: lacked } = this.#own?.lacking ?? { step: 0, from: [] };
    const nowMs = this.#context.ports.clock.nowMs();
    const isLate = (saidAtMs: number): boolean =>
      nowMs - saidAtMs > this.#parts.rule.patienceMs / 2;
    const keys = lacked.flatMap(({ id, key, isRefused, saidAtMs }) =>
      key !== null && (isRefused || isLate(saidAtMs)) ? [[id, base64(key)] as const] : [],
    );
    for (const step of new Set([ownStep, ...gaps.keys()])) {
      const missing = (gaps.get(step) ?? []).map((place) => this.#idOf(place));
      const own = step === ownStep ? lacked.map(({ id }) => id) : [];
      const from = [...new Set([...own, ...missing])].filter((id) => id !== this.#context.self);
      if (from.length === 0) continue;
      const ownKeys = step === ownStep ? Object.fromEntries(keys) : {};
      const said: LacksMessage = {
        ...{ t: 'lacks', r: this.#round, cut: this.digest, step },
        ...{ from: from.sort(), keys: ownKeys },
      };
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
