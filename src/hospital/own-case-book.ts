/**
 * A hospital's own folder, kept in step with its case store: what came is taken, what changed is taken again, what is gone is
 * removed. The book `own-cases.json` beside the cases says which folder has which pseudonym; it holds the folder's own names,
 * which may be patients', so it never leaves this machine.
 */
import { stat } from 'node:fs/promises';
import { fromUtf8, utf8, type Store } from '../base/index.ts';
import { digestOf } from '../crypto/index.ts';
import { taskIds } from '../data/index.ts';
import type { CaseSplit, PhantomHospital } from '../distill/index.ts';
import { diskStore, onDisk } from '../host/index.ts';
import { countOwnCases, listOwnCases, type OwnCaseFolder, type SetAside } from './own-cases.ts';
import { eachOf } from './side-by-side.ts';
import { takeOwnCase, type OwnTaking } from './take-own-case.ts';
import type { WorkerPool } from './worker-pool.ts';

/** A case of the folder as the book has it. */
export interface BookedCase {
  /** `train/<case>`: the hospital's own name. */
  readonly name: string;
  /** What it is called everywhere else: `L1-0003`. */
  readonly id: string;
  readonly split: CaseSplit;
  /** Sizes and times of its files: another stamp, another case. */
  readonly stamp: string;
  /** Why it is not used; null where it is. */
  readonly problem: string | null;
}

/** What the folder held when it was looked at. */
export interface OwnCasesReport {
  /** Of the cases that are used. */
  readonly counts: PhantomHospital['cases'];
  /** Since the look before. */
  readonly taken: number;
  readonly removed: number;
  /** What cannot be used, with names and reasons: for the hospital's own screen alone. */
  readonly setAside: readonly SetAside[];
}

/** What a book is kept of. */
export interface OwnCaseBookOptions extends OwnTaking {
  readonly hospital: string;
  /** The hospital's own folder, with `train` and `test`. Nothing is ever written there. */
  readonly folder: string;
  readonly pool: Pick<WorkerPool, 'run' | 'size'>;
}

interface Book {
  readonly format: typeof format;
  /** Digest of what else decides how a case is taken: images of the plan, settings of reading. */
  readonly taking: string;
  readonly next: number;
  readonly cases: readonly BookedCase[];
}

const format = 'annulus-own-cases/1';
const bookName = 'own-cases.json';

/** See the file's header. One object for a store. */
export class OwnCaseBook {
  readonly #options: OwnCaseBookOptions;
  readonly #store: Store;

  constructor(options: OwnCaseBookOptions) {
    this.#options = options;
    this.#store = diskStore(options.at.folder);
  }

  /**
   * Looks through the folder and brings the store in step with it, each change inside `between`.
   *
   * @throws {HostError} 'bad_cases' when the folder is none, as when a network disk is away; the store stays as it was
   */
  async look(between: (work: () => Promise<void>) => Promise<void>): Promise<OwnCasesReport> {
    const { folder, pool } = this.#options;
    const listed = await listOwnCases(folder);
    const found = new Map(listed.cases.map((own) => [own.name, own]));
    const before = await this.#read();
    const gone = before.cases.filter(({ name }) => !found.has(name));
    for (const { split, id } of gone) await between(() => this.#remove(split, id));
    const kept = before.cases.filter((one) => !gone.includes(one));
    const { due, next } = await this.#due(found, { ...before, cases: kept });
    const taken: BookedCase[] = await eachOf(due, 2 * pool.size, async ({ own, ...one }) => {
      let problem: string | null = null;
      await between(async () => {
        ({ problem } = await takeOwnCase(pool, own, one.id, this.#options));
        // What was taken of it before is of other files.
        if (problem !== null) await this.#remove(one.split, one.id);
      });
      return { ...one, problem };
    });
    const names = new Set(taken.map(({ name }) => name));
    const cases = [...kept.filter(({ name }) => !names.has(name)), ...taken];
    await this.#removeUnbooked(cases, between);
    if (gone.length + taken.length > 0 || before.next !== next) {
      const book: Book = { ...before, next, cases };
      await this.#store.write(bookName, utf8(`${JSON.stringify(book, null, 1)}\n`));
    }
    const aside = cases.flatMap(({ name, problem }) =>
      problem === null ? [] : [{ name, problem }],
    );
    const isUsed = new Set(cases.filter(({ problem }) => problem === null).map(({ name }) => name));
    return {
      counts: countOwnCases(listed.cases.filter(({ name }) => isUsed.has(name))),
      taken: taken.filter(({ problem }) => problem === null).length,
      removed: gone.length,
      setAside: [...listed.setAside, ...aside],
    };
  }

  /** What is to be taken, in the order of the names, each with its pseudonym: the one that it had, or a new one. */
  async #due(
    found: ReadonlyMap<string, OwnCaseFolder>,
    book: Book,
  ): Promise<{ due: (Omit<BookedCase, 'problem'> & { own: OwnCaseFolder })[]; next: number }> {
    const known = new Map(book.cases.map((one) => [one.name, one]));
    const due: (Omit<BookedCase, 'problem'> & { own: OwnCaseFolder })[] = [];
    let { next } = book;
    for (const [name, own] of found) {
      const before = known.get(name);
      const stamp = await stampOf(own);
      if (before?.stamp === stamp && (await this.#isSettled(before))) continue;
      const id = before?.id ?? this.#idOf(next);
      if (before === undefined) next += 1;
      due.push({ name, id, split: own.split, stamp, own });
    }
    return { due, next };
  }

  /** A crash between a case and the book leaves one that the book does not know. */
  async #removeUnbooked(
    cases: readonly BookedCase[],
    between: (work: () => Promise<void>) => Promise<void>,
  ): Promise<void> {
    const booked = new Set(cases.map(({ split, id }) => nameOf(split, id)));
    for (const split of ['train', 'test'] as const) {
      const held = await this.#store.list(`${split}/`);
      for (const name of held.filter((one) => !booked.has(one))) {
        await between(() => this.#store.remove(name));
      }
    }
  }

  /** Whether nothing is to be done for a case whose files are as they were. */
  async #isSettled({ split, id, problem }: BookedCase): Promise<boolean> {
    return problem !== null || (await this.#store.has(nameOf(split, id)));
  }

  #idOf(index: number): string {
    return `${this.#options.hospital}-${String(index).padStart(4, '0')}`;
  }

  async #remove(split: CaseSplit, id: string): Promise<void> {
    await this.#store.remove(nameOf(split, id));
  }

  /** An unreadable book, or one of other images, is begun anew: its cases are taken again under their names. */
  async #read(): Promise<Book> {
    const { images, reading, at } = this.#options;
    const taking = digestOf(utf8(JSON.stringify([images, reading, at.intensity, taskIds])));
    const bytes = await this.#store.read(bookName);
    const book = bytes === null ? null : parse(bytes);
    if (book === null) return { format, taking, next: 0, cases: [] };
    if (book.taking === taking) return book;
    const cases = book.cases.map((one) => ({ ...one, stamp: '' }));
    return { ...book, taking, cases };
  }
}

function nameOf(split: CaseSplit, id: string): string {
  return `${split}/${id}.case`;
}

async function stampOf({ files }: OwnCaseFolder): Promise<string> {
  const parts: string[] = [];
  for (const [file, path] of Object.entries(files)) {
    // One that went away since the folder was listed is found missing when the case is taken.
    const facts = await onDisk(path, () => stat(path)).catch(() => null);
    parts.push(`${file}:${facts?.size ?? 0}:${facts?.mtimeMs ?? 0}`);
  }
  return parts.sort().join(' ');
}

/** Written by this program alone, and whole: the store replaces files at once. */
function parse(bytes: Uint8Array): Book | null {
  try {
    const book = JSON.parse(fromUtf8(bytes)) as Partial<Book> | null;
    const isWhole = book?.format === format && Array.isArray(book.cases);
    return isWhole && typeof book.next === 'number' ? (book as Book) : null;
  } catch {
    return null;
  }
}
