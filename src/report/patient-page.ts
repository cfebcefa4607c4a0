/**
 * One page about one CT: its root cut along its own annulus, what was found in it, and the measures that follow. It holds
 * pixels and numbers of a patient and no name, number or date of one.
 */
import { absent } from './figures.ts';
import { html, type Markup } from './markup.ts';
import { renderPage } from './page.ts';
import type { SlicePicture } from './run-record.ts';
import { sliceFigure } from './slice-figure.ts';

/** One measure, as it is shown. */
export interface MeasureRow {
  readonly title: string;
  /** With its unit; null where it is not known. */
  readonly shown: string | null;
  /** `not_judged` where it is not known, or nothing that was published bounds it. */
  readonly verdict: 'plausible' | 'implausible' | 'not_judged';
  /** What it can be, and where that was published; null where nothing bounds it. */
  readonly range: { readonly low: number; readonly high: number; readonly source: string } | null;
  /** Why there is no value, or why a heart cannot have it; null otherwise. */
  readonly why: string | null;
}

/** What is on the page. */
export interface PatientRecord {
  /** Why a heart cannot be so; empty when it can. */
  readonly reasons: readonly string[];
  readonly slices: readonly SlicePicture[];
  readonly groups: readonly { readonly title: string; readonly rows: readonly MeasureRow[] }[];
  /** Names of points that were found, and of those that were not. */
  readonly found: readonly string[];
  readonly missed: readonly string[];
  /** Begin of the digest of the model. */
  readonly model: string;
  readonly version: string;
}

/** A whole HTML document, with a patient's pixels in it. */
export function renderPatient(record: PatientRecord): string {
  const { reasons, slices, groups, model, version } = record;
  return renderPage({
    title: 'Annulus: aortic root',
    heading: 'Aortic root',
    summary: html`What a model found in a CT, and the measures that follow from it.
    ${pointsText(record)}`,
    stamp: html`model <span class="mono">${model}</span><br />annulus ${version}`,
    sections: html`<a id="pictures"></a>${verdictBox(reasons)}
      <section class="wide">
        <div class="body">
          <div class="slices root">
            ${slices.map((slice, n) => sliceFigure(slice, `slice-${n + 1}`))}
          </div>
          <p class="key">
            <span>✕ a point that was found</span>
            ${slices.some(({ lines }) => lines !== undefined) ? html`<span>dashed: the annulus, and heights over it</span>` : null}
            <span>outlined: calcium</span>
          </p>
        </div>
      </section>
      <section class="wide">
        <div class="scroll">
          <table class="measures">
            <thead>
              <tr>
                <th class="left">measure</th>
                <th>value</th>
                <th class="left">a heart can have it</th>
                <th>range</th>
                <th class="left">published in</th>
              </tr>
            </thead>
            ${groups.map(groupBody)}
          </table>
        </div>
      </section>`,
    footer: html`<b>Not a medical device.</b> Every number follows from points and calcium that a
      model found, not from a contour; docs/predict.md says how. Plausible means that nothing speaks
      against it, not that it is right.`,
  });
}

function pointsText({ found, missed }: PatientRecord): string {
  if (found.length === 0) return 'No point was found.';
  const all = `Found: ${found.join(', ')}.`;
  return missed.length === 0 ? all : `${all} Not found: ${missed.join(', ')}.`;
}

function verdictBox(reasons: readonly string[]): Markup {
  const isGood = reasons.length === 0;
  return html`<section class="wide">
    <div class="verdict ${isGood ? '' : 'failed'}">
      ${
        isGood
          ? html`<b>Plausible:</b> a heart can be so.`
          : html`<b>Implausible:</b> do not use this result.
              <ul>
                ${reasons.map((reason) => html`<li>${reason}</li>`)}
              </ul>`
      }
    </div>
  </section>`;
}

function groupBody({ title, rows }: PatientRecord['groups'][number]): Markup {
  return html`<tbody>
    <tr class="group">
      <th class="left" colspan="5">${title}</th>
    </tr>
    ${rows.map(rowOf)}
  </tbody>`;
}

function rowOf({ title, shown, verdict, range, why }: MeasureRow): Markup {
  const flags = {
    plausible: html`<span class="good">✓ plausible</span>`,
    implausible: html`<b class="bad">! implausible</b>`,
    not_judged: shown === null ? null : html`<span class="quiet">not judged</span>`,
  } as const;
  return html`<tr>
    <td class="left">${title}</td>
    <td class="value">${shown ?? absent}</td>
    <td class="left wrap">
      ${flags[verdict]} ${why === null ? null : html`<span class="quiet">${why}</span>`}
    </td>
    <td class="quiet">${range === null ? '' : `${range.low} to ${range.high}`}</td>
    <td class="left quiet">${range?.source ?? ''}</td>
  </tr>`;
}
