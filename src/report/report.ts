/** The report of a run. */
import { consortiumSection } from './consortium-section.ts';
import { absent, durationText, fixed, median, percent, shortDigest } from './figures.ts';
import { html, type Markup } from './markup.ts';
import { renderPage } from './page.ts';
import { evaluationSection, sliceSection, unitOf } from './result-sections.ts';
import { curveSection, roundSection } from './round-sections.ts';
import { elapsedMs } from './run-summary.ts';
import type { RunRecord, TaskRecord } from './run-record.ts';
import { agreementSection, costSection, faultSection, isAgreed } from './trust-sections.ts';

/** A whole HTML document. The same record gives the same bytes. */
export function renderReport(record: RunRecord): string {
  const { consortium, id, preset, seed, startedAt, finishedAt } = record;
  return renderPage({
    title: `Annulus: ${consortium.name}, seed ${seed}`,
    heading: `${consortium.name}: one student, nobody in the middle`,
    summary: summaryLine(record),
    stamp: html`run <span class="mono">${id}</span><br />preset ${preset}, seed ${seed}<br />${startedAt.slice(0, 16).replace('T', ' ')}
      UTC`,
    sections: html`${keyFigures(record)} ${consortiumSection(consortium)}
    ${record.virtual === null ? evaluationSection(record) : null} ${sliceSection(record)}
    ${curveSection(record)} ${agreementSection(record)} ${faultSection(record)}
    ${roundSection(record)} ${costSection(record)}`,
    footer: html`Run ${id}, ${startedAt} to ${finishedAt}. Everything on this page is in record.json
    beside
    it${
      record.virtual === null
        ? html`; the log can be checked by <code>annulus audit verify</code>. Phantoms and research
            software: not for diagnosis.`
        : html`. Its times are virtual, and the same on every machine.`
    }`,
  });
}

function summaryLine({ consortium, virtual }: RunRecord): Markup {
  const count = consortium.hospitals.length;
  if (virtual === null) {
    return html`${count} hospitals trained teachers where labels were, and a transformer for all
    tasks together.`;
  }
  return html`${count} virtual hospitals carried out the plan in virtual time. They agree as real
  ones do, and learn a few numbers each in place of images.`;
}

function keyFigures(record: RunRecord): Markup {
  const { consortium, rounds, log, nodes, sealedDigest } = record;
  const sealed = rounds.filter(({ outcome }) => outcome === 'sealed').length;
  const voided = rounds.length - sealed;
  const agreed = isAgreed(record);
  return html`<div class="facts">
    ${record.virtual === null ? consortium.tasks.map((task) => taskFigure(record, task)) : null}
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
      <div class="more">
        ${log.cosignatures} of ${consortium.hospitals.length} signed the checkpoint
      </div>
    </div>
    <div>
      <div class="name">time</div>
      <div class="figure">${durationText(elapsedMs(record))}</div>
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
  const missed = task.kind === 'points' ? `${percent(other?.missRate ?? null)} missed, ` : '';
  return html`<div
    title="median of the student at hospitals that never labelled this task, and at those that did"
  >
    <div class="name">${task.title}</div>
    <div class="figure">${fixed(value, digits)}<small> ${unitOf(task)}</small></div>
    <div class="more">
      ${missed}at hospitals that never labelled it; at the others
      ${training === undefined ? absent : fixed(median(training.values), digits)}
    </div>
  </div>`;
}
