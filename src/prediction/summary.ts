/** What became of a list of CTs: a row each, for people, for tables and for programs. No path, and nothing of a patient. */
import { utf8 } from '../base/index.ts';
import type { Measure, Plausibility } from '../data/index.ts';
import { csvLine } from '../data/index.ts';

/** What became of one CT. */
export interface StudyResult {
  readonly id: string;
  /** `waiting`: the run was stopped before it came to this one. */
  readonly status: 'done' | 'failed' | 'waiting';
  /** Null unless done. */
  readonly verdict: Plausibility['verdict'] | null;
  /** In documented order; empty unless done. */
  readonly measures: readonly Pick<Measure, 'id' | 'unit' | 'value'>[];
  /** Why it failed; null otherwise. */
  readonly error: string | null;
}

/** How many of each. */
export interface SummaryCounts {
  readonly done: number;
  readonly implausible: number;
  readonly failed: number;
  readonly waiting: number;
}

/** Implausible ones are done too. */
export function countResults(results: readonly StudyResult[]): SummaryCounts {
  const count = (is: (result: StudyResult) => boolean): number => results.filter(is).length;
  return {
    done: count(({ status }) => status === 'done'),
    implausible: count(({ verdict }) => verdict === 'implausible'),
    failed: count(({ status }) => status === 'failed'),
    waiting: count(({ status }) => status === 'waiting'),
  };
}

/** `summary.json`. */
export function summaryDocument(
  results: readonly StudyResult[],
): Readonly<Record<string, unknown>> {
  return { format: 'annulus-worklist-summary/1', counts: countResults(results), studies: results };
}

/** `summary.csv`: a column for each measure, its unit in the heading. */
export function summaryCsv(results: readonly StudyResult[]): Uint8Array {
  const measures = results.find(({ status }) => status === 'done')?.measures ?? [];
  const head = measures.map(({ id, unit }) => (unit === '1' ? id : `${id}_${unit}`));
  const lines = results.map(({ id, status, verdict, error, measures: told }) =>
    csvLine([
      ...[id, status, verdict],
      ...measures.map((wanted) => told.find((one) => one.id === wanted.id)?.value ?? null),
      error,
    ]),
  );
  return utf8([csvLine(['id', 'status', 'verdict', ...head, 'error']), ...lines, ''].join('\r\n'));
}

/** A line each: what it is called, what became of it, and the two numbers that are looked for first. */
export function summaryLines(results: readonly StudyResult[]): string[] {
  const width = Math.max(...results.map(({ id }) => id.length));
  const { done, implausible, failed, waiting } = countResults(results);
  const sum = `${done} of ${results.length} done, ${implausible} of them implausible, ${failed} failed`;
  return [
    ...results.map((result) => `${result.id.padEnd(width)}  ${resultText(result)}`),
    waiting === 0 ? sum : `${sum}, ${waiting} not begun`,
  ];
}

/** `plausible   annulus 23.4 mm  calcium 0.31 ml`, or why there is none. */
export function resultText({ status, verdict, measures, error }: StudyResult): string {
  if (status === 'failed') return `failed: ${error ?? ''}`;
  if (status === 'waiting') return 'not begun';
  const value = (wanted: Measure['id']): number | null =>
    measures.find(({ id }) => id === wanted)?.value ?? null;
  const annulus = value('annulus_diameter');
  const calcium = value('calcium_volume');
  return [
    (verdict === 'implausible' ? 'IMPLAUSIBLE' : 'plausible').padEnd(11),
    annulus === null ? 'no annulus' : `annulus ${annulus.toFixed(1)} mm`,
    ...(calcium === null ? [] : [`calcium ${(calcium / 1000).toFixed(2)} ml`]),
  ].join('  ');
}
