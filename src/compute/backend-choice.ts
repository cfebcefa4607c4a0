/** Which backend computes: a table of candidates, best first, and the choice of one. */
import { ComputeError } from './errors.ts';

/** Whether a backend can be opened on this machine, and a few words for people: its version, or what is missing. */
export interface Availability {
  readonly available: boolean;
  readonly detail: string;
  /** Whether `auto` passes it over: a graphics card that a processor emulates is for checking only. */
  readonly onlyIfForced?: boolean;
}

/** A row of the table. */
export interface Candidate<Name extends string, Open> {
  readonly name: Name;
  /** What it is, in a few words. */
  readonly title: string;
  /** False for what nobody would want unless they ask for it. */
  readonly automatic: boolean;
  /** What to type or install where it is missing. */
  readonly howToGet: string;
  /** Whether it can be opened; leaves nothing open. Never rejects: an error becomes the detail. */
  readonly probe: () => Promise<Availability>;
  readonly open: Open;
}

/**
 * The candidate called `wanted`, or for `auto` the first that is automatic and available.
 *
 * @throws {ComputeError} 'backend_missing' saying why and how to get it; another is never taken in its place.
 */
export async function chooseBackend<Name extends string, Open>(
  candidates: readonly Candidate<Name, Open>[],
  wanted: Name | 'auto',
): Promise<Candidate<Name, Open>> {
  const asked = candidates.filter(({ name, automatic }) =>
    wanted === 'auto' ? automatic : name === wanted,
  );
  let missing: Omit<ComputeError['facts'] & { code: 'backend_missing' }, 'code'> = {
    ...{ backend: wanted, detail: 'there is no backend of that name' },
    howToGet: `choose among ${candidates.map(({ name }) => name).join(', ')}`,
  };
  for (const candidate of asked) {
    const { available, detail, onlyIfForced = false } = await candidate.probe();
    if (available && !(onlyIfForced && wanted === 'auto')) return candidate;
    missing = { backend: candidate.name, detail, howToGet: candidate.howToGet };
  }
  throw new ComputeError({ code: 'backend_missing', ...missing });
}
