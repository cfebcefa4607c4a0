/**
 * A site's cases into its store. What is there already is not read again, what is bad is named and waits outside, the rest goes
 * on; killed at any moment, the next import goes on from where it was. The source is never written to.
 */
import type { CaseSplit } from '../../distill/index.ts';
import { HostError } from '../../host/index.ts';
import { fixOf, siteProblem } from '../../data/index.ts';
import { eachOf } from '../side-by-side.ts';
import type { WorkerPool } from '../worker-pool.ts';
import type { SiteLook, SiteReading } from './site-look.ts';
import type { HashArgs, LookArgs, TakeArgs, Taken } from './site-entry.ts';
import { sourceHash, sourceStamp } from './part-sources.ts';
import type { SourceCase, Sources } from './site-sources.ts';
import { caseName, type CaseHashes, type SiteStore, type StoredCase } from './site-store.ts';

/** What became of a case of the source. */
export interface ImportedCase {
  /** As the hospital calls it: for its own screen alone. */
  readonly name: string;
  /** `train/case-0007`; null where it is not in the store. */
  readonly stored: string | null;
  /** `new`, `changed`, `same` as at the last import, or not taken. */
  readonly outcome: 'new' | 'changed' | 'same' | 'ask' | 'quarantined';
  readonly look: SiteLook;
}

/** How an import goes. */
export interface ImportOptions {
  readonly how: SiteReading;
  /** Of so many cases one is held out, where the source does not say which; 0 holds none out. */
  readonly heldOutEvery: number;
  readonly pool: Pick<WorkerPool, 'run' | 'size'>;
  /** In any order. */
  readonly onCase: (one: ImportedCase) => void;
  readonly signal: AbortSignal;
}

/** Begun cases that a crash may make read once more. */
const savedEvery = 16;

/**
 * Looks at every case of the source, and writes nothing.
 *
 * @throws {HospitalError} as the pool
 */
export async function lookAtSite(
  { cases }: Sources,
  { how, pool, onCase }: Pick<ImportOptions, 'how' | 'pool' | 'onCase'>,
): Promise<ImportedCase[]> {
  return eachOf(cases, 2 * pool.size, async (source) => {
    const { name, files, part, problem } = source;
    const args: LookArgs = { files, part, how };
    const look = problem === null ? ((await pool.run('look', args)) as SiteLook) : blank(problem);
    const outcome = look.state === 'ready' ? 'new' : look.state;
    const one: ImportedCase = { name, stored: null, outcome, look };
    onCase(one);
    return one;
  });
}

/**
 * Brings the store in step with the source, whose cases it gives in their order. One import at a time for a store.
 *
 * @throws {HostError} a disk code; {HospitalError} as the pool
 */
export async function importSite(
  sources: Sources,
  store: SiteStore,
  options: ImportOptions,
): Promise<ImportedCase[]> {
  const run = new ImportRun(sources, store, options);
  return run.run();
}

/**
 * The hashes of all ready cases of the store, made again from its files, by number; null for a case whose files are gone.
 *
 * @throws {HostError} a disk code
 */
export async function hashSite(
  store: SiteStore,
  pool: Pick<WorkerPool, 'run' | 'size'>,
): Promise<ReadonlyMap<number, CaseHashes | null>> {
  const { folder, key } = store;
  const ready = store.cases.filter(({ state }) => state === 'ready');
  const hashes = await eachOf(ready, 2 * pool.size, async (one) => {
    if (!(await store.hasFiles(one))) return null;
    const args: HashArgs = { folder, key, split: one.split, number: one.number };
    return (await pool.run('hash', args)) as CaseHashes;
  });
  return new Map(ready.map(({ number }, n) => [number, hashes[n] ?? null]));
}

class ImportRun {
  readonly #sources: Sources;
  readonly #store: SiteStore;
  readonly #options: ImportOptions;
  readonly #listed = new Set<string>();
  /** Where the patients of an export went. */
  readonly #patients = new Map<string, CaseSplit>();
  #ended = 0;

  constructor(sources: Sources, store: SiteStore, options: ImportOptions) {
    this.#sources = sources;
    this.#store = store;
    this.#options = options;
  }

  async run(): Promise<ImportedCase[]> {
    const store = this.#store;
    const known = new Map(store.cases.map((one) => [one.source, one]));
    for (const source of this.#sources.cases) {
      const before = known.get(sourceHash(store, this.#sources.root, source));
      const patient = patientOf(source);
      if (before !== undefined && patient !== null) this.#patients.set(patient, before.split);
    }
    const plan: { source: SourceCase; before: StoredCase | null; entry: StoredCase }[] = [];
    let hasNew = false;
    for (const source of this.#sources.cases) {
      const hash = sourceHash(store, this.#sources.root, source);
      this.#listed.add(hash);
      const before = known.get(hash) ?? null;
      const stamp = sourceStamp(store, source, this.#options.how);
      if (before !== null && (await store.isSettled(before, stamp))) {
        plan.push({ source, before, entry: before });
        continue;
      }
      // All numbers are given before anything is read: they follow the names, whoever ends first.
      const number = before?.number ?? store.takeNumber();
      const split = source.split ?? before?.split ?? this.#splitOf(number, patientOf(source));
      const entry: StoredCase = {
        ...{ number, split, source: hash, stamp, state: 'due', rule: null, study: null },
        ...{ content: null, labels: [], shape: null, spacingMm: null },
      };
      store.put(entry);
      hasNew = true;
      plan.push({ source, before, entry });
    }
    if (hasNew) await store.save();
    const done = await eachOf(
      plan,
      2 * this.#options.pool.size,
      async ({ source, before, entry }) => {
        const one =
          entry.state === 'due' ? await this.#take(source, entry, before) : settled(source, entry);
        this.#options.onCase(one);
        return one;
      },
    );
    if (hasNew) await store.save();
    return this.#withoutTwins(done, plan.map(({ entry }) => entry.number)); // prettier-ignore
  }

  /** All examinations of a patient go one way: nobody is trained on and held out as well. */
  #splitOf(number: number, patient: string | null): CaseSplit {
    const { heldOutEvery } = this.#options;
    const split = heldOutEvery > 0 && number % heldOutEvery === 0 ? 'test' : 'train';
    const before = this.#patients.get(patient ?? '');
    if (patient !== null && before === undefined) this.#patients.set(patient, split);
    return before ?? split;
  }

  async #take(
    { name, files, part, problem }: SourceCase,
    entry: StoredCase,
    before: StoredCase | null,
  ): Promise<ImportedCase> {
    const { how, pool, signal } = this.#options;
    signal.throwIfAborted();
    const { folder, key } = this.#store;
    const { split, number } = entry;
    const args: TakeArgs = { files, part, how, folder, key, split, number };
    const { look, hashes } =
      problem === null
        ? ((await pool.run('take', args, { signal })) as Taken)
        : { look: blank(problem), hashes: null };
    // What was taken of it before is of other files, or of another split.
    if (before !== null && (hashes === null || before.split !== split)) {
      await this.#store.removeFiles(before);
    }
    const { state, labels, shape, spacingMm } = look;
    const rule = look.problem?.rule ?? null;
    const { study, content } = hashes ?? { study: null, content: null };
    this.#store.put({ ...entry, state, rule, study, content, labels, shape, spacingMm });
    await this.#ending();
    if (state !== 'ready') return { name, stored: null, outcome: state, look };
    const isSame = before?.content === content;
    const outcome = isSame ? 'same' : (before?.content ?? null) === null ? 'new' : 'changed';
    return { name, stored: `${split}/${caseName(number)}`, outcome, look };
  }

  async #ending(): Promise<void> {
    this.#ended += 1;
    if (this.#ended % savedEvery === 0) await this.#store.save();
  }

  /**
   * One study is one case. Of two in the source the first stays; where one came under another name before, as from a disk
   * that was mounted elsewhere, the earlier number stays.
   */
  async #withoutTwins(
    done: readonly ImportedCase[],
    numbers: readonly number[],
  ): Promise<ImportedCase[]> {
    const store = this.#store;
    const result = [...done];
    const byStudy = new Map<string, StoredCase>();
    let isChanged = false;
    for (const one of store.cases) {
      if (one.study === null) continue;
      const first = byStudy.get(one.study);
      if (first === undefined) {
        byStudy.set(one.study, one);
        continue;
      }
      isChanged = true;
      const at = numbers.indexOf(one.number);
      if (!this.#listed.has(first.source) && first.content === one.content) {
        store.put({ ...first, source: one.source, stamp: one.stamp });
        await store.removeFiles(one);
        store.drop(one.number);
        const found = result[at];
        const stored = `${first.split}/${caseName(first.number)}`;
        if (found !== undefined) result[at] = { ...found, outcome: 'same', stored };
      } else {
        const text = `expected each study once, got the same CT as ${caseName(first.number)}`;
        const problem = siteProblem('same_study', text);
        store.put({ ...one, state: 'quarantined', rule: problem.rule, study: null, content: null });
        await store.removeFiles(one);
        const found = result[at];
        if (found !== undefined) {
          const look: SiteLook = { ...found.look, state: 'quarantined', problem };
          result[at] = { ...found, outcome: 'quarantined', stored: null, look };
        }
      }
    }
    if (isChanged) await store.save();
    return result;
  }
}

/** Of an examination in an export; null where nobody knows. */
function patientOf({ part }: SourceCase): string | null {
  return part === null || part.patient === '' ? null : part.patient;
}

/** A case that is as it was at the last import. */
function settled({ name }: SourceCase, entry: StoredCase): ImportedCase {
  const { state, rule, labels, shape, spacingMm, split, number } = entry;
  const grid = { shape, spacingMm, affine: null, hu: null };
  if (state === 'ready') {
    const look: SiteLook = { state, problem: null, labels, ...grid, notes: [] };
    return { name, stored: `${split}/${caseName(number)}`, outcome: 'same', look };
  }
  if (state === 'due')
    throw new HostError({ code: 'bad_cases', path: '', expected: 'an ended case' });
  const code = rule ?? 'unknown';
  const problem = { state, rule: code, text: 'as at the last import', fix: fixOf(code) };
  const look: SiteLook = { state, problem, labels, ...grid, notes: [] };
  return { name, stored: null, outcome: state, look };
}

function blank(problem: NonNullable<SourceCase['problem']>): SiteLook {
  const grid = { shape: null, spacingMm: null, affine: null, hu: null };
  return { state: problem.state, problem, labels: [], ...grid, notes: [] };
}
