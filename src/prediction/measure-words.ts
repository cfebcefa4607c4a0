/** Measures for people and for programs. */
import {
  encodeMeasures,
  measuresCsv,
  measuresDocument,
  unitText,
  type Measure,
  type RootMeasures,
} from '../data/index.ts';
import type { MeasureRow } from '../report/index.ts';

export { measuresDocument };

/** `measures.json` and `measures.csv`. */
export function measureFiles(measured: RootMeasures): [string, Uint8Array][] {
  return [
    ['measures.json', encodeMeasures(measured)],
    ['measures.csv', measuresCsv(measured)],
  ];
}

/** A line for each measure that has a value, and one for each reason why others have none. */
export function measureLines({ measures }: RootMeasures): string[] {
  const rows = rowsOf(measures);
  const reasons = new Set(rows.flatMap(({ shown, why }) => (shown === null ? [why] : [])));
  return [
    ...rows.flatMap(({ title, shown, verdict, why }) => {
      if (shown === null) return [];
      const doubt = verdict === 'implausible' ? ` IMPLAUSIBLE: ${why ?? ''}` : '';
      return [`${title}: ${shown}${doubt}`];
    }),
    ...[...reasons].map((reason) => {
      const about = rows.filter(({ shown, why }) => shown === null && why === reason);
      return `not measured, ${reason ?? ''}: ${about.map(({ title }) => title).join('; ')}`;
    }),
  ];
}

/** The page's table: measures under what they are about. */
export function measureGroups({ measures }: RootMeasures): { title: string; rows: MeasureRow[] }[] {
  const groups: readonly (readonly [string, RegExp])[] = [
    ['Annulus', /^(annulus|aortic)_/],
    ['Coronary ostia', /^(lca|rca)_/],
    ['Membranous septum', /^septum_/],
    ['Calcium', /^(calcium|agatston)_/],
    ['Views of the C-arm along the annulus', /^(three_cusp|cusp_overlap)_/],
  ];
  return groups.map(([title, form]) => ({
    title,
    rows: rowsOf(measures.filter(({ id }) => form.test(id))),
  }));
}

/** The two angles of a view are one row. */
function rowsOf(measures: readonly Measure[]): MeasureRow[] {
  return measures.flatMap((measure): MeasureRow[] => {
    const { id, flag, reason, value } = measure;
    if (id.endsWith('_cran')) return [];
    const row = {
      ...{ verdict: flag.verdict, range: flag.range },
      why: reason ?? flag.text,
    };
    if (!id.endsWith('_lao')) return [{ ...row, title: measure.title, shown: textOf(measure) }];
    const cran = measures.find((other) => other.id === id.replace('_lao', '_cran'))?.value ?? null;
    const shown = value === null || cran === null ? null : viewText(value, cran);
    return [{ ...row, title: id === 'three_cusp_lao' ? 'three-cusp view' : 'cusp-overlap view', shown }]; // prettier-ignore
  });
}

/** `LAO 12° CRAN 8°`, as a C-arm shows it. */
export function viewText(laoDeg: number, cranDeg: number): string {
  const [lao, cran] = [Math.round(laoDeg), Math.round(cranDeg)];
  return `${lao < 0 ? 'RAO' : 'LAO'} ${Math.abs(lao)}° ${cran < 0 ? 'CAUD' : 'CRAN'} ${Math.abs(cran)}°`;
}

function textOf({ value, unit }: Measure): string | null {
  if (value === null) return null;
  const digits = unit === 'mm' ? 1 : 0;
  const ml = unit === 'mm3' ? ` (${(value / 1000).toFixed(2)} ml)` : '';
  const gap = unit === 'deg' ? '' : ' ';
  return `${value.toFixed(digits)}${gap}${unitText(unit)}`.trimEnd() + ml;
}
