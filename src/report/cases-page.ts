/** A hospital's own cases to look at, on its own screen: as the models see them, with what its experts marked. */
import { html } from './markup.ts';
import { renderPage } from './page.ts';
import type { SlicePicture } from './run-record.ts';
import { sliceFigure } from './slice-figure.ts';

/** One case of the folder. */
export interface CaseToShow {
  /** `train/<case>` */
  readonly name: string;
  /** Why it cannot be used; null when it can. */
  readonly problem: string | null;
  readonly notes: readonly string[];
  /** None where it could not be read. */
  readonly slices: readonly SlicePicture[];
}

/** A whole HTML document, with patients in it. */
export function renderCases(summary: string, cases: readonly CaseToShow[]): string {
  return renderPage({
    title: 'Annulus: own cases',
    heading: 'Own cases, as they were read',
    summary: html`${summary}. Right is left, as radiologists look. Rings: what experts marked;
    fainter ones lie off the slice. Outlines: calcium.`,
    stamp: html`shows patients:<br />stays in this hospital`,
    sections: html`<a id="pictures"></a>${cases.map(
        ({ name, problem, notes, slices }, index) =>
          html`<section class="wide">
            <h2>${name}${problem === null ? null : html`<small>${problem}</small>`}</h2>
            <div class="body">
              ${notes.map((note) => html`<p class="quiet">${note}</p>`)}
              <div class="slices">
                ${slices.map((slice, n) => sliceFigure(slice, `case-${index + 1}-${n + 1}`))}
              </div>
            </div>
          </section>`,
      )}`,
    footer: html`Is every ring where its name says? Left and right exchanged are seen nowhere else.
    Research software: not for diagnosis.`,
  });
}
