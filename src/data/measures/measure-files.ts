/** Measures as a file for programs and as one for tables: numbers with three decimals, units in words. */
import { utf8 } from '../../base/index.ts';
import type { Vector3 } from '../volume/vector.ts';
import { scoreThresholdHu } from './calcium.ts';
import type { Measure, RootMeasures } from './measures.ts';

const format = 'annulus-measures/1';

/** `measures.json`: the annulus with its plane, and every measure. */
export function encodeMeasures(measured: RootMeasures): Uint8Array {
  return utf8(`${JSON.stringify(measuresDocument(measured), null, 2)}\n`);
}

/** What `measures.json` says. Vectors are RAS: right, front, up. */
export function measuresDocument({
  annulus,
  blood,
  measures,
}: RootMeasures): Readonly<Record<string, unknown>> {
  return {
    format,
    annulus: annulus && {
      centreRasMm: annulus.centre.map(rounded),
      normalRas: annulus.normal.map((part) => Number(part.toFixed(6)) + 0),
      radiusMm: rounded(annulus.radiusMm),
    },
    blood: blood && {
      meanHu: rounded(blood.meanHu),
      stdHu: rounded(blood.stdHu),
      scoreThresholdHu: rounded(scoreThresholdHu(blood)),
    },
    measures: measures.map((measure) => ({ ...measure, value: roundedOrNull(measure.value) })),
  };
}

/** `measures.csv` (RFC 4180): a line for each measure, and before them the annulus' plane. */
export function measuresCsv(measured: RootMeasures): Uint8Array {
  const head = 'id,value,unit,flag,low,high,source,reason,title';
  const lines = [head, ...planeLines(measured), ...measured.measures.map(lineOf)];
  return utf8(`${lines.join('\r\n')}\r\n`);
}

function lineOf({ id, title, unit, value, reason, flag }: Measure): string {
  const { range, verdict, text } = flag;
  return csvLine([
    ...[id, roundedOrNull(value), unit, verdict],
    ...[range?.low ?? null, range?.high ?? null, range?.source ?? null],
    ...[reason ?? text, title],
  ]);
}

function planeLines({ annulus }: RootMeasures): string[] {
  if (annulus === null) return [];
  const rows = (id: string, vector: Vector3, unit: string, title: string): string[] =>
    vector.map((part, axis) => {
      const side = ['right', 'front', 'up'][axis] ?? '';
      const value = Number(part.toFixed(unit === 'mm' ? 3 : 6)) + 0;
      return csvLine([`${id}_${side}`, value, unit, 'not_judged', null, null, null, null, title]);
    });
  return [
    ...rows('annulus_centre', annulus.centre, 'mm', 'centre of the annulus, RAS'),
    ...rows('annulus_normal', annulus.normal, '1', 'normal of the annulus to the aorta, RAS'),
  ];
}

/** One line of a CSV file (RFC 4180), without its end; null is an empty cell. */
export function csvLine(cells: readonly (string | number | null)[]): string {
  return cells
    .map((cell) => {
      const text = cell === null ? '' : String(cell);
      return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
    })
    .join(',');
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000 + 0;
}

function roundedOrNull(value: number | null): number | null {
  return value === null ? null : rounded(value);
}
