/** The report of a reproduction: the paper's claims put to the test, its figure and its table beside ours. */
import { html } from './markup.ts';
import { renderPage } from './page.ts';
import { clientHospitals, hospitalSection, modelSection } from './reproduction-details.ts';
import type { ReproductionRecord } from './reproduction-record.ts';
import {
  armFigures,
  armTable,
  calibrationSection,
  downstreamSection,
} from './reproduction-sections.ts';
import { verdictSection } from './verdict-section.ts';

/** A whole HTML document. The same record gives the same bytes. */
export function renderReproduction(record: ReproductionRecord): string {
  const { preset, seeds, backend, hospitals } = record;
  return renderPage({
    title: `Annulus: six arms, preset ${preset}`,
    heading: 'Six arms: does distillation rescue the transformer?',
    summary: html`U-Net and SwinUNETR, each trained alone, federated, and federated with distilled
    labels at ${hospitals.length} hospitals; scored on held-out cases of hospitals that labelled the
    task and of hospitals that never did.`,
    stamp: html`preset ${preset}<br />${seeds.length === 1 ? 'seed' : 'seeds'}
      ${seeds.join(', ')}<br />${backend}`,
    sections: html`${verdictSection(record)} ${armFigures(record)} ${armTable(record)}
    ${downstreamSection(record)} ${calibrationSection(record)} ${hospitalSection(record)}
    ${clientHospitals(record)} ${modelSection(record)}`,
    footer: html`Images are phantoms, but of hospitals whose own CTs the table of hospitals names.
    After Tölle et al., npj Digital Medicine 8:88 (2025), whose medians are read off its figures.
    Everything on this page is in results.json beside it. Phantoms and research software: not for
    diagnosis.`,
  });
}
