/**
 * Which blobs came with which round, so that those of old rounds can be removed. One file per round,
 * `rounds/<r>`: a line `<kind> <digest> <bytes>` for each blob, written before the blob itself, so that no crash
 * leaves a blob that nobody remembers.
 */
import { fromUtf8, utf8, type Digest, type Store } from '../../base/index.ts';

/** What a blob of a round is: a ciphertext, or a sealed model. */
export type RoundBlobKind = 'update' | 'model';

/** The round that a blob came with. */
export interface RoundOfBlob {
  readonly round: number;
  readonly kind: RoundBlobKind;
}

/** How much of the past a node keeps. */
export interface RetentionRule {
  /** Ciphertexts of so many rounds, the current one among them. */
  readonly updateRounds: number;
  /** Models of so many rounds, the current one among them. */
  readonly modelRounds: number;
  /** Bytes of all of them; the oldest rounds go first, each as a whole. The current round and what is needed stay. */
  readonly bytesMax: number;
}

interface Entry {
  readonly kind: RoundBlobKind;
  readonly digest: Digest;
  readonly bytes: number;
}

const folder = 'rounds/';
const lineForm = /^(update|model) ([0-9a-f]{64}) (\d{1,15})$/;

/** See the file's header. Calls may overlap. */
export class RoundBlobs {
  readonly #store: Store;
  /** By round, then by digest. */
  #rounds: Promise<Map<number, Map<Digest, Entry>>> | null = null;
  /** Lines by round that wait for the disk, which writes them together. */
  readonly #waiting = new Map<number, { readonly lines: string[]; readonly done: Promise<void> }>();
  #lastAppend: Promise<void> = Promise.resolve();

  constructor(store: Store) {
    this.#store = store;
  }

  /** Remembers, durably, that a blob of so many bytes comes with a round. Call before the blob is written. */
  async note({ round, kind }: RoundOfBlob, digest: Digest, bytes: number): Promise<void> {
    const rounds = await this.#load();
    const known = rounds.get(round) ?? new Map<Digest, Entry>();
    if (known.has(digest)) {
      // Noted a moment ago, perhaps, and not durable yet.
      await this.#lastAppend;
      if (!known.has(digest)) await this.note({ round, kind }, digest, bytes);
      return;
    }
    rounds.set(round, known.set(digest, { kind, digest, bytes }));
    try {
      // The line break comes first: it also ends a line that a crash tore.
      await this.#append(round, `\n${kind} ${digest} ${bytes}`);
    } catch (error) {
      known.delete(digest);
      throw error;
    }
  }

  /** Resolves when the line is durable. All that come while the disk is busy cost it one turn: updates come many at a time. */
  #append(round: number, line: string): Promise<void> {
    const waiting = this.#waiting.get(round);
    if (waiting !== undefined) {
      waiting.lines.push(line);
      return waiting.done;
    }
    const lines = [line];
    const done = this.#lastAppend.then(() => {
      this.#waiting.delete(round);
      return this.#store.append(nameOf(round), utf8(lines.join('')));
    });
    this.#waiting.set(round, { lines, done });
    this.#lastAppend = done.catch(() => undefined);
    return done;
  }

  /**
   * Removes the blobs that the rule does not keep.
   *
   * @param current the round under way; it is kept whole
   * @param isNeeded blobs that stay whatever their age: models that rounds to come start from
   * @param remove removes a blob; an absent one is no error
   * @returns how many blobs were removed
   */
  async prune(
    rule: RetentionRule,
    current: number,
    isNeeded: (digest: Digest) => boolean,
    remove: (digest: Digest) => Promise<void>,
  ): Promise<number> {
    const rounds = await this.#load();
    const kept = new Set<Digest>();
    let keptBytes = 0;
    let removedCount = 0;
    for (const round of [...rounds.keys()].sort((a, b) => b - a)) {
      const entries = [...(rounds.get(round)?.values() ?? [])];
      const young = entries.filter(({ kind }) => {
        const roundsMax = kind === 'update' ? rule.updateRounds : rule.modelRounds;
        return round > current - roundsMax;
      });
      // All of a round's bulk or none: half of its updates are of no use to anybody.
      const fits = round >= current || keptBytes + bytesOf(young) <= rule.bytesMax;
      // What is needed is remembered by the youngest round that has it: a model that no longer changes comes with every round.
      const staying = entries.filter(
        (entry) =>
          round >= current ||
          (fits && young.includes(entry)) ||
          (isNeeded(entry.digest) && !kept.has(entry.digest)),
      );
      keptBytes += bytesOf(staying);
      for (const { digest } of staying) kept.add(digest);
      if (staying.length === entries.length) continue;
      const going = entries.filter((entry) => !staying.includes(entry));
      for (const { digest } of going.filter((entry) => !kept.has(entry.digest))) {
        await remove(digest);
        removedCount += 1;
      }
      // Whatever was noted meanwhile stays; removed blobs are forgotten last, so that a crash repeats this.
      const left = rounds.get(round) ?? new Map<Digest, Entry>();
      for (const { digest } of going) left.delete(digest);
      if (left.size === 0) rounds.delete(round);
      await this.#write(round, [...left.values()]);
    }
    return removedCount;
  }

  /** All blobs that a round remembers. */
  async all(): Promise<Set<Digest>> {
    const rounds = await this.#load();
    return new Set([...rounds.values()].flatMap((entries) => [...entries.keys()]));
  }

  #load(): Promise<Map<number, Map<Digest, Entry>>> {
    if (this.#rounds !== null) return this.#rounds;
    const reading = this.#read();
    this.#rounds = reading;
    // What the disk did not give is asked for again.
    reading.catch(() => (this.#rounds = null));
    return reading;
  }

  async #read(): Promise<Map<number, Map<Digest, Entry>>> {
    const rounds = new Map<number, Map<Digest, Entry>>();
    for (const name of await this.#store.list(folder)) {
      const round = Number(name.slice(folder.length));
      const bytes = await this.#store.read(name);
      if (!Number.isSafeInteger(round) || bytes === null) continue;
      const lines = fromUtf8(bytes).split('\n');
      const entries = lines.flatMap((line): [Digest, Entry][] => {
        const [, kind, name, size] = lineForm.exec(line) ?? [];
        if (kind === undefined || name === undefined) return [];
        const digest = name as Digest;
        return [[digest, { kind: kind as RoundBlobKind, digest, bytes: Number(size) }]];
      });
      rounds.set(round, new Map(entries));
    }
    return rounds;
  }

  async #write(round: number, entries: readonly Entry[]): Promise<void> {
    if (entries.length === 0) {
      await this.#store.remove(nameOf(round));
      return;
    }
    const lines = entries.map(({ kind, digest, bytes }) => `\n${kind} ${digest} ${bytes}`);
    await this.#store.write(nameOf(round), utf8(lines.join('')));
  }
}

function bytesOf(entries: readonly Entry[]): number {
  return entries.reduce((sum, { bytes }) => sum + bytes, 0);
}

function nameOf(round: number): string {
  return `${folder}${round}`;
}
