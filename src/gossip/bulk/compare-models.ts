/** How far two models are apart, over files of a store: what decides whether a voter seals another member's. */
import type { Store } from '../../base/index.ts';
import { elementCount, ModelReader, WeightsError, type ModelLayout } from '../../weights/index.ts';
import { piecesOf } from './update-file.ts';

/** Two models to compare. */
export interface CompareJob {
  readonly layout: ModelLayout;
  readonly own: string;
  readonly other: string;
}

/** How far they are apart in one parameter, at most; or why the other is no model of this layout. */
export type CompareOutcome =
  | { readonly kind: 'compared'; readonly apart: number }
  | { readonly kind: 'not_a_model'; readonly reason: string };

/** Compares two models, the other of which nobody has looked at. @throws {WeightsError} when the own is none */
export async function compareModels(store: Store, job: CompareJob): Promise<CompareOutcome> {
  const own = await ModelReader.open(store, job.own, job.layout);
  let other: ModelReader;
  try {
    other = await ModelReader.open(store, job.other, job.layout);
  } catch (error) {
    if (!(error instanceof WeightsError)) throw error;
    return { kind: 'not_a_model', reason: error.message };
  }
  let apart = 0;
  for (const [tensor, { name, shape }] of job.layout.entries()) {
    for (const [at, count] of piecesOf(elementCount(shape))) {
      const [a, b] = [await own.read(tensor, at, count), await other.read(tensor, at, count)];
      for (let i = 0; i < count; i++) {
        const value = b[i] as number;
        if (!Number.isFinite(value)) {
          return { kind: 'not_a_model', reason: `${name} holds ${String(value)}` };
        }
        apart = Math.max(apart, Math.abs(value - (a[i] as number)));
      }
    }
  }
  return { kind: 'compared', apart };
}
