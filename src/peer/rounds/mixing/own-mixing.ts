/**
 * This node's own way through the mixing of one cut: its contribution, step by step what its neighbours sent, the model at
 * the end and the report. Runs beside the peer's queue. All of it lies in the node's store, so a node that was away for a
 * moment goes on where it was, and never signs two states of one step.
 */
import { hex, invariant, messageOf, type Digest, type NodeId } from '../../../base/index.ts';
import { bulkKeyBytes, bulkSaltBytes } from '../../../crypto/index.ts';
import {
  contentName,
  GossipError,
  stateCiphertextBytes,
  type MixingSchedule,
  type StateFile,
  type UpdateFacts,
} from '../../../gossip/index.ts';
import {
  cutDigest,
  decodeReport,
  decodeStep,
  decodeStrict,
  digest,
  encodeCanonical,
  encryptStepKey,
  openStepKey,
  openUpdateKey,
  signReport,
  signStep,
  stepBulkContext,
  type Cut,
  type ReportedStep,
} from '../../../wire/index.ts';
import { updateOf, workName } from '../../housekeeping.ts';
import type { RoundContext } from '../../round-protocol.ts';
import { isRefusedByHoldOut } from '../hold-out.ts';
import { ruleOf, startOf } from '../round-start.ts';
import { updateFile } from '../update-opening.ts';
import { StateTravel } from './state-travel.ts';
import type { StepBook } from './step-book.ts';

/** The model that a mixing came to. */
export interface OwnModel {
  readonly model: Digest;
  /** Whether the own hold-out refuses it. */
  readonly isRefused: boolean;
}

/** What an `OwnMixing` works with. */
export interface OwnMixingParts {
  readonly cut: Cut;
  readonly schedule: MixingSchedule;
  readonly book: StepBook;
  /** Place of this node in the cut. */
  readonly place: number;
  /** The own update. */
  readonly update: UpdateFacts;
  /** What a neighbour signed cannot be used. Told in the peer's queue. */
  readonly onLacking: () => void;
  /** A step is signed and on the disk. Told in the peer's queue. */
  readonly onStep: (envelope: Uint8Array) => void;
  /** All is done, the report is signed and on the disk. Told in the peer's queue. */
  readonly onDone: (own: OwnModel, report: Uint8Array) => void;
}

/** Whose state of a step is not here to be used. */
export interface Lacked {
  readonly id: NodeId;
  /** The key that its author gave this node; null while it has said nothing, or gave none. */
  readonly key: Uint8Array | null;
  /** Whether it is here, and cannot be used. */
  readonly isRefused: boolean;
  /** Since when it has been said to be there, ms since 1970. */
  readonly saidAtMs: number;
}

/** The mixing goes on without this node, or is over. */
class Ended extends Error {}

const receivedBytesMax = 65_536;

/** See the file's header. */
export class OwnMixing {
  readonly #context: RoundContext;
  readonly #parts: OwnMixingParts;
  readonly #cut: Digest;
  readonly #travel: StateTravel;
  #isOver = false;
  #wake: (() => void) | null = null;
  /** What its sender signed and nobody can use. */
  readonly #refused = new Set<Digest>();
  /** What nobody gave since the last tick. */
  readonly #failed = new Set<Digest>();
  /** The step under way, and whose states of it are not here to be used, by place. */
  #step = 0;
  readonly #lacked = new Map<number, Lacked>();

  constructor(context: RoundContext, parts: OwnMixingParts) {
    this.#context = context;
    this.#parts = parts;
    this.#cut = cutDigest(parts.cut);
    this.#travel = new StateTravel(context, parts.schedule, (what) => this.#name(what));
  }

  /** Begins, once. */
  begin(): void {
    void this.#mix().catch((error: unknown) => {
      if (error instanceof Ended) return;
      const facts = { round: this.#context.open.r, reason: messageOf(error) };
      this.#context.ports.logger.log('error', 'mixing failed', facts);
    });
  }

  /** One more statement is here. */
  goOn(): void {
    this.#wake?.();
  }

  /** The time has come to fetch again what did not come. */
  tryAgain(): void {
    this.#failed.clear();
    this.#wake?.();
  }

  /** Goes no further: another cut was decided. */
  end(): void {
    this.#isOver = true;
    this.#wake?.();
  }

  /** Whose states this node waits for, and of which step. */
  get lacking(): { readonly step: number; readonly from: readonly Lacked[] } {
    return { step: this.#step, from: [...this.#lacked.values()] };
  }

  async #mix(): Promise<void> {
    const { schedule } = this.#parts;
    const remembered = await this.#context.ports.store.read(this.#name('report'));
    if (remembered !== null) {
      await this.#repeatSteps();
      const { model } = decodeReport(remembered).statement;
      await this.#tellDone(model, await this.#modelName(model), remembered);
      return;
    }
    const steps: ReportedStep[] = [];
    for (let step = 0; step < schedule.steps; step++) {
      if (step === 0) await this.#start();
      steps.push({ ...(await this.#publish(step)), received: await this.#receive(step) });
      const progress = { done: step + 1, total: schedule.steps };
      this.#context.onEvent({ kind: 'working', round: this.#round, work: 'mix', progress });
    }
    if (schedule.steps === 0) await this.#start();
    await this.#finish(steps);
  }

  get #round(): Cut['r'] {
    return this.#context.open.r;
  }

  /** Name in the store of what is made on the way. */
  #name(what: string): string {
    return workName(this.#round, `mix-${this.#cut.slice(0, 16)}-${what}`);
  }

  #requireGoingOn(): void {
    if (this.#isOver || !this.#context.isCurrent()) throw new Ended('the round has gone on');
  }

  /** The contribution, as numbers. */
  async #start(): Promise<void> {
    const { self, keys, models, stage, ports } = this.#context;
    if (await ports.store.has(this.#name('0.state'))) return;
    const { update } = this.#parts;
    const { sealing } = ports.crypto;
    const key = await openUpdateKey(update.statement, self, keys.sealPrivate, sealing);
    invariant(key !== null, 'a node opens its own update');
    await ports.averager.beginMixing({
      layout: await models.layout(stage),
      update: updateFile(update, key),
      rule: ruleOf(this.#context),
      into: this.#name('0.state'),
    });
  }

  /** Says where this node's state of a step is, or says again what it said before a crash. */
  async #publish(step: number): Promise<Pick<ReportedStep, 'sent' | 'to'>> {
    const { store } = this.#context.ports;
    const to = this.#parts.schedule.listeners(step, this.#parts.place);
    const name = this.#name(`${step}.env`);
    const earlier = await store.read(name);
    const envelope = earlier ?? (await this.#signedStep(step, to));
    if (earlier === null) await store.write(name, envelope);
    this.#requireGoingOn();
    this.#context.post(() => {
      this.#parts.onStep(envelope);
    });
    return { sent: decodeStep(envelope).statement.state, to };
  }

  async #signedStep(step: number, to: readonly number[]): Promise<Uint8Array> {
    const { consortium, self: author, ports, content, keys, models, stage } = this.#context;
    const { sealing } = ports.crypto;
    const [key, salt] = [sealing.randomBytes(bulkKeyBytes), sealing.randomBytes(bulkSaltBytes)];
    const moment = { cid: consortium.cid, round: this.#round, cut: this.#cut, author, step };
    // Of its own: a peer that was stopped may still be at work here under another key.
    const into = this.#name(`${step}-${hex(salt)}`);
    const state = this.#name(`${step}.state`);
    const context = stepBulkContext(moment);
    const compressed = this.#travel.sent(step, this.#parts.place, await models.layout(stage));
    const job = { state, key, salt, context, into, ...(compressed && { compressed }) };
    const written = await ports.averager.encryptState(job);
    this.#requireGoingOn();
    await content.adopt(into, written, { round: this.#round, kind: 'update' });
    const receivers = consortium.manifest.members.filter(({ id }) =>
      to.some((place) => this.#idOf(place) === id),
    );
    const sealedKeys = await encryptStepKey(moment, receivers, key, sealing);
    return signStep({ ...moment, state: written.digest, sealedKeys }, keys.log);
  }

  /** Mixes what the neighbours sent into the next state; waits until all of it is here. */
  async #receive(step: number): Promise<ReportedStep['received']> {
    const { store } = this.#context.ports;
    const name = this.#name(`${step}.received`);
    const earlier = await store.read(name);
    if (earlier !== null) return receivedOf(earlier);
    for (;;) {
      this.#requireGoingOn();
      const woken = this.#woken();
      const files = await this.#files(step);
      if (files !== null && (await this.#mixed(step, files))) {
        const received = files.map(({ place, digest: state }) => [place, state] as const);
        await store.write(name, encodeCanonical(received.map(([place, state]) => [place, state])));
        return received;
      }
      await woken;
    }
  }

  #woken(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  /** What the neighbours sent in a step, on the disk; null while some of it is missing, which `lacking` then says. */
  async #files(step: number): Promise<(StateFile & { readonly place: number })[] | null> {
    const links = this.#parts.schedule.incoming(step, this.#parts.place);
    const others = links.filter(({ from }) => from !== this.#parts.place);
    this.#step = step;
    const files = await Promise.all(
      others.map(({ from, weight }) => this.#file(step, from, weight)),
    );
    return files.every((file) => file !== null) ? files : null;
  }

  async #file(
    step: number,
    place: number,
    share: number,
  ): Promise<(StateFile & { readonly place: number }) | null> {
    const { stage, models, content, ports, self, keys } = this.#context;
    const held = this.#parts.book.step(place, step);
    const id = this.#idOf(place);
    if (held === null) {
      this.#lacked.set(place, { id, key: null, isRefused: false, saidAtMs: 0 });
      return null;
    }
    const { statement: said, atMs: saidAtMs } = held;
    if (this.#refused.has(said.state)) return null;
    const key = await openStepKey(said, self, keys.sealPrivate, ports.crypto.sealing);
    if (key?.byteLength !== bulkKeyBytes) {
      this.#refuse(
        { id, key: null, isRefused: true, saidAtMs },
        place,
        said.state,
        'no key for us',
      );
      return null;
    }
    this.#lacked.set(place, { id, key, isRefused: false, saidAtMs });
    if (this.#failed.has(said.state)) return null;
    const compressed = this.#travel.received(step, place);
    const bytesMax = stateCiphertextBytes(await models.layout(stage), compressed?.kind);
    try {
      const of = { round: this.#round, kind: 'update' } as const;
      await content.obtain(said.state, bytesMax, said.author, of);
    } catch (error) {
      if (!(error instanceof GossipError)) throw error;
      this.#failed.add(said.state);
      const facts = { round: this.#round, step, from: said.author, reason: messageOf(error) };
      ports.logger.log('warn', 'a step is not here yet', facts);
      return null;
    }
    this.#lacked.delete(place);
    return {
      ...{ place, share, key, digest: said.state, ciphertext: contentName(said.state) },
      context: stepBulkContext(said),
      weights: this.#parts.schedule.weights(step, place),
      ...(compressed && { compressed }),
    };
  }

  /** Whether the next state is there. */
  async #mixed(
    step: number,
    received: readonly (StateFile & { readonly place: number })[],
  ): Promise<boolean> {
    const { stage, models, ports } = this.#context;
    const { schedule, place } = this.#parts;
    const outcome = await ports.averager.mixStep({
      layout: await models.layout(stage),
      rule: ruleOf(this.#context),
      own: this.#travel.own(step, place),
      received,
      memberCount: schedule.size,
      into: this.#name(`${step + 1}.state`),
    });
    if (outcome.kind === 'mixed') return true;
    const file = received.find(({ digest: state }) => state === outcome.digest);
    invariant(file !== undefined, 'what is refused was received');
    // What a disk has damaged is fetched again with the next try.
    if (outcome.kind === 'bad') {
      const { key, place: from } = file;
      const lacked = { id: this.#idOf(from), key, isRefused: true, saidAtMs: 0 };
      this.#refuse(lacked, from, file.digest, outcome.reason);
    }
    return false;
  }

  #refuse(lacked: Lacked, place: number, state: Digest, reason: string): void {
    this.#refused.add(state);
    this.#lacked.set(place, lacked);
    const facts = { round: this.#round, step: this.#step, from: lacked.id, reason };
    this.#context.ports.logger.log('error', 'a step is refused', facts);
    this.#context.post(() => {
      this.#parts.onLacking();
    });
  }

  /** The model, and the signed report. */
  async #finish(steps: readonly ReportedStep[]): Promise<void> {
    const { consortium, stage, models, ports, self: author, keys } = this.#context;
    const { schedule, place } = this.#parts;
    const into = this.#name('model');
    const written = await ports.averager.endMixing({
      layout: await models.layout(stage),
      start: await startOf(this.#context),
      state: this.#name(`${schedule.steps}.state`),
      weights: schedule.weights(schedule.steps, place),
      rule: ruleOf(this.#context),
      into,
    });
    this.#requireGoingOn();
    // Others fetch it, to see how far it is from theirs.
    await models.adopt(into, written);
    const moment = { cid: consortium.cid, round: this.#round, cut: this.#cut, author };
    const report = signReport({ ...moment, model: written.digest, steps }, keys.log);
    await ports.store.write(this.#name('report'), report);
    await this.#tellDone(written.digest, contentName(written.digest), report);
  }

  async #modelName(model: Digest): Promise<string> {
    return this.#context.models.obtain(this.#context.stage, model);
  }

  async #tellDone(model: Digest, name: string, report: Uint8Array): Promise<void> {
    await this.#context.content.put(report, updateOf(this.#round));
    const { models, stage, open } = this.#context;
    const base = await models.obtain(stage, open.base);
    const isRefused = await isRefusedByHoldOut(this.#context, { digest: model, name, base });
    this.#requireGoingOn();
    this.#context.post(() => {
      this.#parts.onDone({ model, isRefused }, report);
    });
  }

  /** After a restart others may still wait for what this node had said. */
  async #repeatSteps(): Promise<void> {
    for (let step = 0; step < this.#parts.schedule.steps; step++) await this.#publish(step);
  }

  #idOf(place: number): NodeId {
    const id = this.#parts.cut.updates[place]?.peer;
    invariant(id !== undefined, 'a place of the cut');
    return id;
  }
}

function receivedOf(bytes: Uint8Array): ReportedStep['received'] {
  const list = decodeStrict(bytes, { maxBytes: receivedBytesMax }) as readonly [number, string][];
  return list.map(([place, state]) => [place, digest(state)] as const);
}
