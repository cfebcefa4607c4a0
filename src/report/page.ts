/** The frame of a report: one HTML file that needs nothing else, now or in ten years. */
import { html, Markup, type MarkupPart } from './markup.ts';
import { reportStyle } from './report-style.ts';

/** What is different from report to report. */
export interface Page {
  /** Of the window. */
  readonly title: string;
  readonly heading: string;
  /** One sentence under the heading. */
  readonly summary: MarkupPart;
  /** Which run, in the corner. */
  readonly stamp: MarkupPart;
  readonly sections: MarkupPart;
  readonly footer: MarkupPart;
}

/** A whole HTML document. */
export function renderPage({ title, heading, summary, stamp, sections, footer }: Page): string {
  return `<!doctype html>\n${
    html`<html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta
          http-equiv="Content-Security-Policy"
          content="default-src 'none'; img-src data:; style-src 'unsafe-inline'"
        />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        <style>
          ${new Markup(reportStyle)}
        </style>
      </head>
      <body>
        <header>
          ${mark()}
          <div>
            <h1>${heading}</h1>
            <p class="quiet">${summary}</p>
          </div>
          <div class="stamp">${stamp}</div>
        </header>
        <main>${sections}</main>
        <footer>${footer}</footer>
      </body>
    </html>`.text
  }\n`;
}

/** Eight on a ring with nothing at its centre. */
function mark(): Markup {
  return html`<svg viewBox="0 0 54 54" aria-hidden="true">
    <circle cx="27" cy="27" r="20" fill="none" style="stroke:var(--student);stroke-width:1.4" />
    ${Array.from({ length: 8 }, (_, index) => {
      const angle = (index * Math.PI) / 4;
      return html`<circle
        cx="${(27 + 20 * Math.cos(angle)).toFixed(2)}"
        cy="${(27 + 20 * Math.sin(angle)).toFixed(2)}"
        r="4.6"
        style="fill:var(--student);stroke:var(--paper);stroke-width:1.6"
      />`;
    })}
  </svg>`;
}
