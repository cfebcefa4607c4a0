/** The page of a laboratory run. */
import { html } from '../markup.ts';
import { renderPage } from '../page.ts';
import type { LabRecord, LabRound } from './lab-record.ts';

/** One HTML file with figures and tables. */
export function renderLab(record: LabRecord, rounds: readonly LabRound[]): string {
  return renderPage({
    title: `Annulus laboratory: ${String(record.settings.name)}`,
    heading: 'Laboratory run',
    summary: `${rounds.length} measurements`,
    stamp: '',
    sections: html`<section></section>`,
    footer: '',
  });
}
