/**
 * A round whose average is found by gossip: each member's update stays at home until a CUT has fixed who takes part; then
 * neighbours exchange what they hold, step by step, and one member's model is sealed that is within the agreed bound of
 * everybody else's. docs/decisions/027-a-mixing-round.md
 */
import { equalBytes, invariant, type Digest, type NodeId } from '../../../base/index.ts';
import {
  cutDigest,
  encodeCanonical,
  type Cut,
  type CutUpdate,
  type MixingRule,
  type Seal,
} from '../../../wire/index.ts';
import type { Judgement } from '../../local-view.ts';
import type { RoundMessage } from '../../peer-messages.ts';
import { updateOf } from '../../housekeeping.ts';
import type { RoundContext, RoundProtocol } from '../../round-protocol.ts';
import { UpdatesRound } from '../updates-round.ts';
import { cutSums } from '../cut-sums.ts';
import { RoundUpdates } from '../round-updates.ts';
import { wholeUpdate } from '../whole-update.ts';
import { CutMixing } from './cut-mixing.ts';
import type { ReportMessage, StepMessage } from './mixing-messages.ts';
import { ProposedModels } from './proposed-models.ts';
import { StatementReader, type ReadStatement } from './statement-reader.ts';

/** Bulk stays with its author, so nothing is fetched and no key is needed: a member holds an update with its envelope. */
const noKey = new Uint8Array(0);
const bulkStaysHome = {
  open: (): Promise<Uint8Array> => Promise.resolve(noKey),
  fetch: (): Promise<void> => Promise.resolve(),
  hasten: (): void => undefined,
};

/** Statements of cuts to come that are kept. */
const earlyMax = 512;

/** A statement that did not come for so long is asked for, ms. */
const gapMs = 2_000;

/** See the file's header. What its methods promise is said at `RoundProtocol`. */
export class MixingRound extends UpdatesRound implements RoundProtocol {
  readonly #context: RoundContext;
  readonly #rule: MixingRule;
  protected readonly updates: RoundUpdates;
  readonly #statements: StatementReader;
  readonly #proposed: ProposedModels;
  /** Of a cut that is not decided here yet: others may be a moment ahead. */
  readonly #early = new Map<Digest, ReadStatement>();
  #cut: Cut | null = null;
  #mixing: CutMixing | null = null;

  constructor(context: RoundContext) {
    super(context, wholeUpdate(context));
    const { open, consortium, ports, verifyBytes } = context;
    invariant(open.rule.kind === 'mixing', 'a mixing round follows a rule of mixing');
    this.#context = context;
    this.#rule = open.rule;
    this.updates = new RoundUpdates(context, {
      ...{ envelopes: this.envelopes, opening: bulkStaysHome },
      onOpened: () => {
        this.#goOn();
      },
    });
    this.#statements = new StatementReader(consortium, open, verifyBytes, ports.pure);
    this.#proposed = new ProposedModels(context, open.rule.epsilonNano / 1e9);
  }

  // What the rules of blocks ask.

  aggregate(): { readonly seal: Seal; readonly isRefused: boolean } | null {
    const mixing = this.#mixing;
    if (mixing === null || (mixing.seal() ?? null) === null) return null;
    const own = mixing.model;
    // Who has not mixed proposes somebody's: another one's each, lest all propose a bad one.
    const signed = [...mixing.signedModels().keys()];
    const { members } = this.#context.consortium.manifest;
    const at = members.findIndex(({ id }) => id === this.#context.self);
    const model = own?.model ?? signed[Math.max(0, at) % signed.length];
    const seal = model === undefined ? null : this.#sealOf(mixing, model);
    return seal === null ? null : { seal, isRefused: own?.isRefused ?? false };
  }

  judgeSeal(seal: Seal): Judgement {
    const mixing = this.#mixing;
    const expected = mixing === null ? null : this.#sealOf(mixing, seal.agg);
    if (mixing === null || expected === null) return 'wait';
    if (!equalBytes(encodeCanonical(seal), encodeCanonical(expected))) return 'reject';
    const signers = mixing.signedModels().get(seal.agg);
    if (signers === undefined) return 'reject';
    const all = mixing.cut.updates.map(({ peer }) => peer);
    return this.#proposed.judge(seal.agg, mixing.model, signers, all);
  }

  #sealOf(mixing: CutMixing, agg: Digest): Seal | null {
    const mixed = mixing.seal();
    if (mixed === null) return null;
    const sums = cutSums(mixing.cut, (env) => this.updates.facts(env));
    return { op: 'SEAL', r: this.open.r, agg, ...sums, mixed };
  }

  smallerCut(): readonly CutUpdate[] | null {
    return this.#mixing?.smallerCut() ?? null;
  }

  mayLeaveOut(peer: NodeId): boolean {
    return this.#mixing?.mayLeaveOut(peer) ?? false;
  }

  override envelope(env: Digest): Uint8Array | null {
    return super.envelope(env) ?? this.#mixing?.report(env) ?? null;
  }

  // What the peer tells.

  average(cut: Cut): void {
    if (this.#cut !== null && cutDigest(this.#cut) === cutDigest(cut)) return;
    this.#cut = cut;
    this.#mixing?.end();
    this.#mixing = null;
    this.#proposed.forget();
    this.#goOn();
  }

  /** Begins to mix when the envelopes of the cut are here: they say what each contribution weighs. */
  #goOn(): void {
    const cut = this.#cut;
    if (cut === null || this.#mixing !== null) return;
    for (const update of cut.updates) this.updates.obtainDecided(update);
    const facts = cut.updates.map(({ env }) => this.updates.facts(env));
    if (!facts.every((one) => one !== null)) return;
    this.#mixing = new CutMixing(this.#context, {
      ...{ rule: this.#rule, cut, facts },
      onDone: () => {
        this.#proposed.ownCame();
      },
    });
    this.#mixing.begin();
    const early = [...this.#early.values()];
    this.#early.clear();
    for (const read of early) {
      if (read.statement.cut === this.#mixing.digest) this.#takeRead(read, this.#mixing);
    }
  }

  override judgeMessage(message: RoundMessage): string | null {
    if (message.t !== 'step' && message.t !== 'report') return super.judgeMessage(message);
    const read = this.#statements.read(message);
    return typeof read === 'string' ? read : null;
  }

  take(from: NodeId, message: RoundMessage): void {
    switch (message.t) {
      case 'step':
      case 'report':
        this.#takeStatement(message);
        return;
      case 'lacks':
        if (message.cut === this.#mixing?.digest) this.#mixing.takeLacks(from, message);
        return;
      case 'near':
        this.#proposed.takeNear(from, message.model);
        return;
      case 'update':
        this.updates.take(from, message);
        return;
      case 'holds':
        // Nothing is locked where nothing is fetched.
        this.updates.take(from, { ...message, locked: [] });
        return;
      // Bulk stays with its author, and sums of shards are of rounds of another kind.
      case 'key':
      case 'pieces':
      case 'sums':
    }
  }

  #takeStatement(message: StepMessage | ReportMessage): void {
    const read = this.#statements.read(message);
    const mixing = this.#mixing;
    if (typeof read === 'string') return;
    if (read.statement.cut !== mixing?.digest) {
      // Beyond so many it is lost, and asked for.
      if (this.#early.size < earlyMax) this.#early.set(read.digest, read);
      return;
    }
    this.#takeRead(read, mixing);
  }

  #takeRead(read: ReadStatement, mixing: CutMixing): void {
    if (read.kind === 'step') {
      mixing.take(read);
      return;
    }
    // Whoever votes for a seal has all reports on its disk.
    const { content, post, ports } = this.#context;
    void content.put(read.bytes, updateOf(this.open.r), read.digest).then(
      () => {
        post(() => {
          mixing.take(read);
        });
      },
      (error: unknown) => {
        const facts = { round: this.open.r, reason: String(error) };
        ports.logger.log('warn', 'a report could not be kept', facts);
      },
    );
  }

  repeat(): void {
    const isCut = this.#cut !== null;
    this.updates.repeat(isCut);
    if (!isCut) {
      this.training.retry();
      return;
    }
    this.#goOn();
    this.#mixing?.repeat(gapMs);
    for (const model of this.#proposed.near()) {
      this.#context.broadcast({ t: 'near', r: this.open.r, model });
    }
  }
}
