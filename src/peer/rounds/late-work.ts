/**
 * What this node learnt in a round that ended without it. A slow site would otherwise train for nothing, round after round.
 * What it learnt is kept, and in the next round of the stage it starts from there: its update then holds both. When the
 * time left is too short for another training, what it learnt goes out as it is.
 */
import { messageOf, type Digest } from '../../base/index.ts';
import {
  decodeStrict,
  digest,
  encodeCanonical,
  int,
  obj,
  optional,
  record,
  WireError,
} from '../../wire/index.ts';
import { workName } from '../housekeeping.ts';
import type { RoundContext } from '../round-protocol.ts';
import type { TrainingResult } from '../trainer.ts';
import { startOf } from './round-start.ts';

/** What was learnt more rounds ago than this is not added: the model has moved on. */
const roundsMax = 3;
const recordBytesMax = 16_384;

/** What was learnt, in which round, from which model, and how long it took. */
interface Kept {
  readonly round: number;
  readonly base: Digest;
  readonly before?: Digest | undefined;
  readonly tookMs: number;
  readonly trained: TrainingResult;
}

const whole = int(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
const count = int(0, Number.MAX_SAFE_INTEGER);
const anyName = /^[\x21-\x7e]{1,64}$/;
const readKept = obj({
  round: int(1, Number.MAX_SAFE_INTEGER),
  base: digest,
  before: optional(digest),
  tookMs: count,
  trained: obj({
    samples: count,
    heads: record(anyName, count, 64),
    metricsMilli: record(anyName, whole, 64),
    dataset: digest,
  }),
});

/** A model that a node comes to this round with. */
export interface CarriedModel {
  /** Name in the store: where all begin this round, moved by what this node learnt in an earlier one. */
  readonly name: string;
  /** How many rounds ago that was. */
  readonly lateRounds: number;
  /** How long it took. */
  readonly tookMs: number;
  /** What was said of it. */
  readonly trained: TrainingResult;
}

/** See the file's header. Of one stage; lies in the node's store, so it outlives a crash. */
export class LateWork {
  readonly #context: RoundContext;
  readonly #record: string;
  readonly #model: string;

  constructor(context: RoundContext) {
    this.#context = context;
    this.#record = `late/${context.stage.id}.json`;
    this.#model = `late/${context.stage.id}.model`;
  }

  /** What this node learnt in a late round, brought to this one; null when there is nothing. @param start where all begin */
  async carryTo(start: string): Promise<CarriedModel | null> {
    const { open, ports, stage, models } = this.#context;
    const kept = await this.#read();
    if (kept === null) return null;
    const { tookMs, trained } = kept;
    const lateRounds = open.r - kept.round;
    if (lateRounds <= 0 || lateRounds > roundsMax) return null;
    // A cut whose model nobody would seal took it in too: what made it so bad does not come again.
    if ((await this.#context.fateOfUpdate(kept.round)) !== 'left-out') {
      await ports.store.remove(this.#record);
      await ports.store.remove(this.#model);
      return null;
    }
    const name = workName(open.r, 'carried');
    try {
      const layout = await models.layout(stage);
      const earlier = await this.#startOf(kept);
      await ports.averager.carry({ layout, start, earlier, after: this.#model, into: name });
      return { name, lateRounds, tookMs, trained };
    } catch (error) {
      // It is better lost than this round too: nobody may have the model of that time any more.
      const facts = { round: kept.round, reason: messageOf(error) };
      ports.logger.log('warn', 'what was learnt in a round that ended without us is lost', facts);
      return null;
    }
  }

  /** Keeps what this round's training came to until a cut takes it in. @param after its name, which it loses */
  async keep(after: string, trained: TrainingResult, tookMs: number): Promise<void> {
    const { open, before, ports } = this.#context;
    // First: a record must never speak of a model of another round.
    await ports.store.remove(this.#record);
    if (!(await ports.store.move(after, this.#model))) return;
    const { samples, heads, metricsMilli, dataset } = trained;
    const said = { samples, heads, metricsMilli, dataset };
    const from = { base: open.base, ...(before !== null && { before }) };
    const kept = { round: open.r, ...from, tookMs, trained: said };
    await ports.store.write(this.#record, encodeCanonical(kept));
  }

  async #read(): Promise<Kept | null> {
    const bytes = await this.#context.ports.store.read(this.#record);
    if (bytes === null) return null;
    try {
      return readKept(decodeStrict(bytes, { maxBytes: recordBytesMax }));
    } catch (error) {
      if (error instanceof WireError) return null; // a disk may lie; the work is lost, the round goes on
      throw error;
    }
  }

  /** Where all began in the round of the kept change. */
  async #startOf({ round, base, before }: Kept): Promise<string> {
    const open = { ...this.#context.open, base };
    const into = workName(this.#context.open.r, `start-${round}`);
    return startOf({ ...this.#context, open, before: before ?? null }, into);
  }
}
