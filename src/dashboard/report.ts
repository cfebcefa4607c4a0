/** The report of a run: one HTML file that needs nothing else, now or in ten years. */
import { consortiumSection } from './consortium-section.ts';
import { absent, durationText, fixed, median, percent, shortDigest } from './figures.ts';
import { html, Markup } from './markup.ts';
import { reportStyle } from './report-style.ts';
import { evaluationSection, sliceSection, unitOf } from './result-sections.ts';
import { curveSection, roundSection } from './round-sections.ts';
import type { RunRecord, TaskRecord } from './run-record.ts';
import { agreementSection, costSection, faultSection, isAgreed } from './trust-sections.ts';

/** A whole HTML document. The same record gives the same bytes. */
export function renderReport(record: RunRecord): string {
  const title = `Annulus: ${record.consortium.name}, seed ${record.seed}`;
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
        ${letterhead(record)}
        <main>
          ${keyFigures(record)} ${consortiumSection(record.consortium)} ${evaluationSection(record)}
          ${sliceSection(record)} ${curveSection(record)} ${agreementSection(record)}
          ${faultSection(record)} ${roundSection(record)} ${costSection(record)}
        </main>
        <footer>
          Run ${record.id}, ${record.startedAt} to ${record.finishedAt}. Everything on this page is
          in record.json beside it; the log can be checked by <code>annulus audit verify</code>.
          Phantoms and research software: not for diagnosis.
        </footer>
      </body>
    </html>`.text
  }\n`;
}

function letterhead({ consortium, seed, preset, startedAt, id }: RunRecord): Markup {
  return html`<header>
    <svg viewBox="0 0 54 54" aria-hidden="true">
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
    </svg>
    <div>
      <h1>${consortium.name}: one student, nobody in the middle</h1>
      <p class="quiet">
        ${consortium.hospitals.length} hospitals trained teachers where labels were, and a
        transformer for all tasks together.
      </p>
    </div>
    <div class="stamp">
      run <span class="mono">${id}</span><br />preset ${preset}, seed ${seed}<br />${startedAt.slice(0, 16).replace('T', ' ')}
      UTC
    </div>
  </header>`;
}

function keyFigures(record: RunRecord): Markup {
  const { consortium, rounds, log, stages, nodes, sealedDigest } = record;
  const sealed = rounds.filter(({ outcome }) => outcome === 'sealed').length;
  const voided = rounds.length - sealed;
  const agreed = isAgreed(record);
  return html`<div class="facts">
    ${consortium.tasks.map((task) => taskFigure(record, task))}
    <div>
      <div class="name">one model</div>
      <div class="figure ${agreed ? 'good' : 'bad'}">
        ${agreed ? '✓' : '✗'} ${nodes.length}<small> nodes</small>
      </div>
      <div class="more mono">${shortDigest(sealedDigest)}</div>
    </div>
    <div>
      <div class="name">log</div>
      <div class="figure ${log.ok ? 'good' : 'bad'}">
        ${log.ok ? '✓' : '✗'} ${log.entries}<small> entries</small>
      </div>
      <div class="more">${log.cosignatures} of ${consortium.hospitals.length} signed the head</div>
    </div>
    <div>
      <div class="name">time</div>
      <div class="figure">${durationText(stages.reduce((sum, { ms }) => sum + ms, 0))}</div>
      <div class="more">${sealed} rounds sealed${voided > 0 ? `, ${voided} void` : ''}</div>
    </div>
  </div>`;
}

/** The student where it counts: on hospitals that never labelled the task. */
function taskFigure({ groups }: RunRecord, task: TaskRecord): Markup {
  const pick = (group: string): (typeof groups)[number] | undefined =>
    groups.find((g) => g.model === 'student' && g.task === task.id && g.group === group);
  const other = pick('other');
  const training = pick('training');
  const digits = task.kind === 'points' ? 1 : 2;
  const value = median(other?.values ?? []);
  const missed = task.kind === 'points' ? `, ${percent(other?.missRate ?? null)} missed` : '';
  return html`<div title="student, hospitals that never labelled ${task.id}">
    <div class="name">${task.id}: never labelled it</div>
    <div class="figure">${fixed(value, digits)}<small> ${unitOf(task)}${missed}</small></div>
    <div class="more">
      labelled it: ${training === undefined ? absent : fixed(median(training.values), digits)}
    </div>
  </div>`;
}
