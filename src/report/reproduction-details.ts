/** The particulars of a reproduction: figures by hospital, who the hospitals are, every model with its digest. */
import { fixed, percent, shortDigest } from './figures.ts';
import { html, type Markup } from './markup.ts';
import type { HospitalFigures, ReproductionRecord } from './reproduction-record.ts';
import { digitsOf } from './reproduction-sections.ts';
import { unitOf } from './result-sections.ts';
import type { TaskRecord } from './run-record.ts';

/** Errors of every arm at every hospital, in a table that can be scrolled. */
export function hospitalSection(record: ReproductionRecord): Markup {
  return html`<section class="wide">
    <h2>
      By hospital<small
        >Where the cases are from; all seeds. Median [quartiles], share of points missed. Shaded:
        the hospital labelled the task.</small
      >
    </h2>
    <div class="body">${record.tasks.map((task) => hospitalTable(record, task))}</div>
  </section>`;
}

function hospitalTable(
  { hospitals, arms, hospitalFigures }: ReproductionRecord,
  task: TaskRecord,
): Markup {
  return html`<div class="scroll">
    <table class="tight">
      <thead>
        <tr>
          <th class="left" scope="col">${task.id}, ${unitOf(task)}</th>
          ${arms.map(({ title }) => html`<th class="gap" scope="col">${title}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${hospitals.map(
          ({ id }) =>
            html`<tr>
              <th scope="row">${id}</th>
              ${arms.map((arm) => {
                const found = hospitalFigures.find(
                  (one) => one.arm === arm.id && one.task === task.id && one.hospital === id,
                );
                return html`<td class="gap ${found?.group === 'training' ? 'taught' : ''}">
                  ${hospitalCell(found, task)}
                </td>`;
              })}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

function hospitalCell(figures: HospitalFigures | undefined, task: TaskRecord): Markup | null {
  if (figures === undefined) return null;
  const { median, lowerQuartile, upperQuartile, missRate, n, undefinedCount } = figures;
  const digits = digitsOf(task) - 1;
  const without = undefinedCount > 0 ? `, ${undefinedCount} without the structure` : '';
  return html`<span title="n ${n}${without}"
    >${fixed(median, digits)}
    <span class="quiet">[${fixed(lowerQuartile, digits)}–${fixed(upperQuartile, digits)}]</span>
    ${missRate === null || missRate === 0 ? null : percent(missRate)}</span
  >`;
}

/** Which hospitals there were, with what labels and scanners. */
export function clientHospitals({ hospitals, tasks }: ReproductionRecord): Markup {
  return html`<section>
    <h2>
      The hospitals<small>Of every seed: cases with expert labels, images, annotators.</small>
    </h2>
    <div class="body scroll">
      <table>
        <thead>
          <tr>
            <th class="left" scope="col">hospital</th>
            ${tasks.map(({ id }) => html`<th scope="col">${id}</th>`)}
            <th scope="col">to train on</th>
            <th scope="col">held out</th>
            <th class="left gap" scope="col">images</th>
            <th class="left" scope="col">annotator</th>
          </tr>
        </thead>
        <tbody>
          ${hospitals.map(
            ({ id, labelled, training, test, scanner, annotator }) =>
              html`<tr>
                <th scope="row">${id}</th>
                ${tasks.map((task) => html`<td>${labelled[task.id] ?? 0}</td>`)}
                <td>${training}</td>
                <td>${test}</td>
                <td class="left gap">${scanner}</td>
                <td class="left">${annotator}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </section>`;
}

/** Every model that was trained: by whom, how long, its size, its last digest and loss. */
export function modelSection({ models, arms, settings }: ReproductionRecord): Markup {
  const titleOf = (id: string): string => arms.find((arm) => arm.id === id)?.title ?? id;
  return html`<section>
    <h2>
      The models<small
        >The same settings and seed give the same digest on the same backend; those of the federated
        U-Nets and of the distilled SwinUNETR are what <code>annulus simulate</code> seals.</small
      >
    </h2>
    <div class="body">
      <details>
        <summary>${models.length} models</summary>
        <div class="scroll">
          <table class="tight">
            <thead>
              <tr>
                <th class="left" scope="col">model</th>
                <th class="left" scope="col">seed</th>
                <th class="left" scope="col">arm</th>
                <th class="left" scope="col">trained by</th>
                <th scope="col">steps each</th>
                <th scope="col">parameters</th>
                <th scope="col">loss, first and last round</th>
                <th class="left" scope="col">digest</th>
              </tr>
            </thead>
            <tbody>
              ${models.map(
                ({ id, seed, arm, hospitals, steps, parameterCount, losses, digest }) =>
                  html`<tr>
                    <th scope="row">${id}</th>
                    <td class="left">${seed}</td>
                    <td class="left">${titleOf(arm)}</td>
                    <td class="left">${hospitals.join(' ')}</td>
                    <td>${steps}</td>
                    <td>${parameterCount}</td>
                    <td>${fixed(losses[0] ?? null, 3)}, ${fixed(losses.at(-1) ?? null, 3)}</td>
                    <td class="left mono" title="${digest ?? ''}">${shortDigest(digest)}</td>
                  </tr>`,
              )}
            </tbody>
          </table>
        </div>
      </details>
      <details>
        <summary>Settings</summary>
        <pre class="mono">${JSON.stringify(settings, null, 1)}</pre>
      </details>
    </div>
  </section>`;
}
