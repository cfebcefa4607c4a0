/**
 * What is finished of a reproduction, on its disk. A unit (a round of a model, a hospital's labels, an evaluation) is one
 * value, written whole when the unit ends: whatever stops the program, it goes on behind the last unit.
 */
import { fromUtf8, utf8, type Digest, type Store } from '../../base/index.ts';
import type { RunSettings } from '../../config/index.ts';
import { ReproduceError } from './errors.ts';

const format = 'annulus-reproduction/1';
const beginning = 'reproduction.json';

/** What the numbers depend on beside the seed; another folder is needed for others. */
export interface Beginning {
  readonly settings: Pick<
    RunSettings,
    'consortium' | 'phantom' | 'models' | 'training' | 'sampling' | 'distillation' | 'inference'
  >;
  /** What computes, with what its rounding depends on. */
  readonly backend: string;
}

/**
 * Begins the folder, or checks that it was begun alike.
 * @param program digest of the program: another one may go on, if only to draw its report anew, but it is told
 * @returns whether the same program began it
 * @throws {ReproduceError} 'other_settings' naming the first that differs
 */
export async function begin(
  store: Store,
  folder: string,
  asked: Beginning,
  program: Digest,
): Promise<boolean> {
  const bytes = await store.read(beginning);
  // As JSON has them, so that both sides went the same way.
  const json = JSON.stringify({ format, ...asked, program }, null, 1);
  if (bytes === null) {
    await store.write(beginning, utf8(`${json}\n`));
    return true;
  }
  const begun = JSON.parse(fromUtf8(bytes)) as { readonly program?: unknown };
  const differing = firstDifference({ ...begun, program }, JSON.parse(json), '');
  if (differing === null) return begun.program === program;
  throw new ReproduceError(
    { code: 'other_settings', folder, differing },
    `${folder} was begun with other settings: ${differing}; give the same, or another --out`,
  );
}

/** Units whose value is JSON. */
export class Journal {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** The value of the unit `name`, made now unless it is there. */
  async once<T>(name: string, make: () => Promise<T>, onFound: () => void): Promise<T> {
    const path = `${name}.json`;
    const bytes = await this.#store.read(path);
    if (bytes !== null) {
      onFound();
      return JSON.parse(fromUtf8(bytes)) as T;
    }
    const text = JSON.stringify(await make());
    await this.#store.write(path, utf8(`${text}\n`));
    return JSON.parse(text) as T;
  }
}

/** Path and both values of the first place in which two JSON values differ. */
function firstDifference(begun: unknown, asked: unknown, path: string): string | null {
  if (isTree(begun) && isTree(asked)) {
    for (const key of new Set([...Object.keys(begun), ...Object.keys(asked)])) {
      const inner = firstDifference(begun[key], asked[key], path === '' ? key : `${path}.${key}`);
      if (inner !== null) return inner;
    }
    return null;
  }
  if (Object.is(begun, asked)) return null;
  return `${path.replace(/^settings\./, '')} was ${textOf(begun)}, now ${textOf(asked)}`;
}

function isTree(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function textOf(value: unknown): string {
  return value === undefined ? 'absent' : JSON.stringify(value).slice(0, 60);
}
