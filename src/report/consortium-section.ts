/** Who takes part, and who labelled what: the ring and its table. */
import { px } from './axis.ts';
import { html, type Markup } from './markup.ts';
import type { ConsortiumRecord, HospitalRecord, TaskRecord } from './run-record.ts';

/** Who takes part: labels, cases, scanner and annotator of each hospital. */
export function consortiumSection({ hospitals, tasks, id }: ConsortiumRecord): Markup {
  const total = (count: (hospital: HospitalRecord) => number): number =>
    hospitals.reduce((sum, hospital) => sum + count(hospital), 0);
  return html`<section>
    <h2>
      The consortium<small
        >Cases with expert labels, by hospital. A shaded figure: this hospital trained that teacher.
        All hospitals train the student.</small
      >
    </h2>
    <div class="body">
      <p class="quiet">
        ${tasks.map(({ id: task, title, labels }, index) => html`${index > 0 ? ' · ' : null}<b>${task}</b> ${title} (${labels.join(', ')})`)}
      </p>
      <div class="pair">
        ${ring(hospitals, tasks)}
        <div class="scroll">
          <table>
            <thead>
              <tr>
                <th class="left" scope="col">hospital</th>
                ${tasks.map((task) => html`<th scope="col" title="${task.title}">${task.id}</th>`)}
                <th scope="col">to train on</th>
                <th scope="col">held out</th>
                <th class="left gap" scope="col">images</th>
                <th class="left" scope="col">annotator</th>
              </tr>
            </thead>
            <tbody>
              ${hospitals.map(
                (hospital) =>
                  html`<tr>
                    <th scope="row">${hospital.id}</th>
                    ${tasks.map((task) => labelCell(hospital.labelled[task.id] ?? 0))}
                    <td>${hospital.training}</td>
                    <td>${hospital.test}</td>
                    <td class="left gap quiet wrap">${hospital.scanner}</td>
                    <td class="left quiet wrap">${hospital.annotator}</td>
                  </tr>`,
              )}
              <tr class="sum">
                <th scope="row">all</th>
                ${tasks.map((task) => html`<td>${total(({ labelled }) => labelled[task.id] ?? 0)}</td>`)}
                <td>${total(({ training }) => training)}</td>
                <td>${total(({ test }) => test)}</td>
                <td class="gap"></td>
                <td></td>
              </tr>
            </tbody>
          </table>
        </div>
      </div>
      <p class="quiet">Manifest <code>${id}</code></p>
    </div>
  </section>`;
}

function labelCell(count: number): Markup {
  return count > 0 ? html`<td class="taught">${count}</td>` : html`<td class="quiet">0</td>`;
}

/** A ring with nothing at its centre. A bar at each hospital for each task that it labelled. */
function ring(hospitals: readonly HospitalRecord[], tasks: readonly TaskRecord[]): Markup {
  const centre = 135;
  const radius = 84;
  const labelled = hospitals.map(({ id, labelled: counts }) => {
    const own = tasks.filter((task) => (counts[task.id] ?? 0) > 0).map((task) => task.id);
    return `${id}: ${own.length === 0 ? 'no labels' : own.join(', ')}`;
  });
  const nodes = hospitals.map((hospital, index) => {
    const angle = (index / hospitals.length) * 2 * Math.PI - Math.PI / 2;
    const x = centre + radius * Math.cos(angle);
    const y = centre + radius * Math.sin(angle);
    const own = tasks.filter((task) => (hospital.labelled[task.id] ?? 0) > 0);
    const textX = centre + (radius + 24) * Math.cos(angle);
    // Above the top hospital the lines grow upwards, below the bottom one downwards.
    const lift =
      Math.abs(Math.cos(angle)) < 0.3 ? Math.sign(Math.sin(angle)) * (own.length - 1) * 5.5 : 0;
    const textY = centre + (radius + 24) * Math.sin(angle) + lift;
    return html`<circle
        cx="${px(x)}"
        cy="${px(y)}"
        r="13"
        style="fill:var(--${own.length > 0 ? 'student' : 'paper'});stroke:var(--student);stroke-width:1.5"
      />
      <text
        x="${px(x)}"
        y="${px(y + 3.5)}"
        text-anchor="middle"
        font-size="10.5"
        font-weight="700"
        style="fill:var(--${own.length > 0 ? 'paper' : 'ink'})"
        >${hospital.id}</text
      >
      <text
        x="${px(textX)}"
        y="${px(textY)}"
        font-size="10"
        text-anchor="${anchor(Math.cos(angle))}"
        class="quiet"
      >
        ${(own.length === 0 ? ['no labels'] : own.map(({ id }) => id)).map(
          (line, row, all) =>
            html`<tspan x="${px(textX)}" dy="${row === 0 ? px(3 - (all.length - 1) * 5.5) : '11'}"
              >${line}</tspan
            >`,
        )}</text
      >`;
  });
  return html`<svg
    viewBox="-20 -4 310 270"
    role="img"
    aria-label="Ring of hospitals. ${labelled.join('; ')}"
  >
    ${links(hospitals.length, centre, radius)}
    <circle
      cx="${centre}"
      cy="${centre}"
      r="${radius}"
      fill="none"
      style="stroke:var(--faint);stroke-width:1"
    />
    ${nodes}
  </svg>`;
}

/** Every hospital talks with every other. */
function links(count: number, centre: number, radius: number): Markup {
  const at = (index: number): string => {
    const angle = (index / count) * 2 * Math.PI - Math.PI / 2;
    return `${px(centre + radius * Math.cos(angle))} ${px(centre + radius * Math.sin(angle))}`;
  };
  let path = '';
  for (let a = 0; a < count; a++) {
    for (let b = a + 2; b < count; b++) path += `M${at(a)}L${at(b)}`;
  }
  return html`<path d="${path}" fill="none" style="stroke:var(--rule);stroke-width:.7" />`;
}

function anchor(cosine: number): string {
  if (Math.abs(cosine) < 0.3) return 'middle';
  return cosine > 0 ? 'start' : 'end';
}
