/** Sources with several examinations, taken apart: a case for each. */
import { niftiBytesMax } from '../../data/index.ts';
import { eachOf } from '../side-by-side.ts';
import type { WorkerPool } from '../worker-pool.ts';
import type { PartsArgs } from './site-entry.ts';
import type { SiteReading } from './site-look.ts';
import { mayHoldMany, type Parted, type SitePart } from './site-parts.ts';
import { stampOf, type SourceCase, type Sources } from './site-sources.ts';
import type { SiteStore, StoredCase } from './site-store.ts';

/** How sources are looked into. */
export interface PartingOptions {
  readonly how: SiteReading;
  readonly pool: Pick<WorkerPool, 'run' | 'size'>;
  /** What is in it as it was is not looked into again; null where nothing is kept. */
  readonly store: SiteStore | null;
}

/** Hash of a source as the store knows it. */
export function sourceHash(store: SiteStore, root: string, { name, part }: SourceCase): string {
  return store.hash('source', `${root}/${part === null ? name : `${part.of}#${part.id}`}`);
}

/** Hash of a source's files, and of how they are read. */
export function sourceStamp(store: SiteStore, source: SourceCase, how: SiteReading): string {
  return store.hash('stamp', `${stampOf(source)}\n${JSON.stringify(how)}`);
}

/**
 * The sources, those of several examinations taken apart into `NAME#1`, `NAME#2`, … in the order of their first files.
 *
 * @throws {HospitalError} as the pool; {HostError} a disk code
 */
export async function partSources(sources: Sources, options: PartingOptions): Promise<Sources> {
  const { pool, how, store } = options;
  const before = new Map(store?.cases.map((one) => [one.source, one]));
  const cases = await eachOf(sources.cases, 2 * pool.size, async (source) => {
    if (source.problem !== null || !mayHoldMany(source.files)) return [source];
    const known =
      store === null ? null : await knownParts(store, sources.root, source, how, before);
    if (known !== null) return known;
    const args: PartsArgs = { files: source.files, bytesMax: niftiBytesMax(how.reading) };
    const { parts, problem } = (await pool.run('parts', args)) as Parted;
    if (parts.length === 0) return [problem === null ? source : { ...source, problem }];
    return partedInto(
      source,
      store === null ? parts : kept(store, sources.root, source, how, parts),
    );
  });
  return { ...sources, cases: cases.flat() };
}

/** The cases of a source that is as it was at the last import; null where it has to be looked into. */
async function knownParts(
  store: SiteStore,
  root: string,
  source: SourceCase,
  how: SiteReading,
  before: ReadonlyMap<string, StoredCase>,
): Promise<SourceCase[] | null> {
  const at = sourceHash(store, root, source);
  const stamp = sourceStamp(store, source, how);
  const parted = store.partedAt(at);
  if (parted?.stamp !== stamp) {
    return (await store.isSettled(before.get(at) ?? null, stamp)) ? [source] : null;
  }
  const cases = partedInto(source, parted.parts.map((one) => ({ ...one, files: null, notes: [] }))); // prettier-ignore
  for (const one of cases) {
    const entry = before.get(sourceHash(store, root, one)) ?? null;
    if (!(await store.isSettled(entry, stamp))) return null;
  }
  return cases;
}

/** The parts under keyed hashes, and the store's note of them. */
function kept(
  store: SiteStore,
  root: string,
  source: SourceCase,
  how: SiteReading,
  parts: readonly SitePart[],
): SitePart[] {
  const own = parts.map((part) => ({
    ...part,
    id: store.hash('part', part.id),
    patient: part.patient === '' ? '' : store.hash('patient', part.patient),
  }));
  const at = sourceHash(store, root, source);
  const stamp = sourceStamp(store, source, how);
  store.putParted({ source: at, stamp, parts: own.map(({ id, patient }) => ({ id, patient })) });
  // As it was known before it was taken apart, it waits for nobody.
  const whole = store.cases.find((one) => one.source === at && one.state !== 'ready');
  if (whole !== undefined) store.drop(whole.number);
  return own;
}

function partedInto(
  source: SourceCase,
  parts: readonly (Omit<SitePart, 'files'> & { readonly files: readonly string[] | null })[],
): SourceCase[] {
  return parts.map((part, n) => {
    const name = `${source.name}#${n + 1}`;
    return { ...source, name, part: { of: source.name, ...part } };
  });
}
