/** What a reproduction found: box plots, the table beside the paper's, the downstream test, calibration. */
import { boxPlot, type Box } from './box-plot.ts';
import { absent, fixed, percent } from './figures.ts';
import { html, type Markup } from './markup.ts';
import type {
  ArmRecord,
  ClientGroup,
  Figures,
  GroupFigures,
  ReproductionRecord,
} from './reproduction-record.ts';
import { unitOf } from './result-sections.ts';
import type { TaskRecord } from './run-record.ts';

const groups = ['training', 'other'] as const;
/** Three figures of a row would be too small: each has the page's width. */
const figureWidth = 1080;

/** A figure for each task: the six arms, training and other clients side by side. */
export function armFigures(record: ReproductionRecord): Markup {
  return html`<section class="wide">
    <h2>
      Errors on held-out cases<small
        >All seeds together. Boxes are quartiles, whiskers end at the last value within 1.5 box
        lengths; what lies beyond the axis is counted at its top. Below: median and share of points
        missed.</small
      >
    </h2>
    <div class="body">
      ${record.tasks.map((task) => armFigure(record, task))}
      <p class="key">
        <span><i style="background:var(--teacher)"></i>U-Net</span>
        <span><i style="background:var(--student)"></i>SwinUNETR</span>
        <span>filled: training clients, which labelled the task</span>
        <span>open: other clients, which never did</span>
        <span>local at other clients: every hospital's own model there</span>
      </p>
    </div>
  </section>`;
}

function armFigure(record: ReproductionRecord, task: TaskRecord): Markup {
  const digits = digitsOf(task);
  const boxOf = (arm: ArmRecord, group: ClientGroup): Box => {
    const figures = figuresAt(record, arm.id, task, group);
    const missRate = figures?.missRate ?? null;
    return {
      label: fixed(figures?.median ?? null, digits),
      values: figures?.values ?? [],
      tone: `${arm.network === 'unet' ? 'teacher' : 'student'}${group === 'other' ? ' open' : ''}`,
      notes: [group, ...(missRate === null ? [] : [`${percent(missRate)} missed`])],
    };
  };
  return boxPlot({
    title: task.title,
    unit: unitOf(task),
    to: task.kind === 'points' ? null : 1,
    width: figureWidth,
    groups: record.arms.map((arm) => ({
      title: arm.title,
      boxes: groups.map((group) => boxOf(arm, group)),
    })),
  });
}

/** The table of arms beside the paper's medians, with intervals and misses. */
export function armTable(record: ReproductionRecord): Markup {
  const { tasks, arms, paper } = record;
  const paperOf = (arm: ArmRecord, task: TaskRecord): string =>
    groups
      .map((group) => {
        const found = paper.find(
          (one) => one.arm === arm.id && one.task === task.id && one.group === group,
        );
        return fixed(found?.median ?? null, task.kind === 'points' ? 1 : 2);
      })
      .join(' / ');
  return html`<section class="wide">
    <h2>
      Table<small
        >Median [95 % interval of the median, bootstrap over patients]. Missed: share of points not
        found. Annotator: median distance to where the hospital's expert put the point. Last column:
        the paper's medians, training / other clients, on real CTs.</small
      >
    </h2>
    <div class="body">
      ${tasks.map(
        (task) =>
          html`<div class="scroll">
            <table class="tight">
              <thead>
                <tr>
                  <th class="left" rowspan="2" scope="col">${task.id}, ${unitOf(task)}</th>
                  ${groups.map(
                    (group) =>
                      html`<th
                        class="gap"
                        colspan="${task.kind === 'points' ? 4 : 2}"
                        scope="colgroup"
                      >
                        ${group} clients
                      </th>`,
                  )}
                  <th class="gap" scope="col">paper</th>
                </tr>
                <tr>
                  ${groups.map(
                    () =>
                      html`<th class="gap" scope="col">median</th>
                        ${
                          task.kind === 'points'
                            ? html`<th scope="col">missed</th>
                                <th scope="col">annotator</th>`
                            : null
                        }
                        <th scope="col">n</th>`,
                  )}
                  <th class="gap" scope="col">train / other</th>
                </tr>
              </thead>
              <tbody>
                ${arms.map(
                  (arm) =>
                    html`<tr>
                      <th scope="row">${arm.title}</th>
                      ${groups.map((group) => cells(figuresAt(record, arm.id, task, group), task))}
                      <td class="gap quiet">${paperOf(arm, task)}</td>
                    </tr>`,
                )}
              </tbody>
            </table>
          </div>`,
      )}
    </div>
  </section>`;
}

function cells(figures: GroupFigures | undefined, task: TaskRecord): Markup {
  const extra =
    task.kind === 'points'
      ? html`<td>${percent(figures?.missRate ?? null)}</td>
          <td>${fixed(figures?.annotatorMedian ?? null, 2)}</td>`
      : null;
  return html`<td class="gap">${medianText(figures, digitsOf(task))}</td>
    ${extra}
    <td>${figures?.n ?? 0}</td>`;
}

/** The landmark that no task taught. */
export function downstreamSection({ downstream, arms }: ReproductionRecord): Markup {
  const { landmark, trainingCases, steps, figures } = downstream;
  const pooled = figures.filter(({ seed }) => seed === null);
  const titleOf = (id: string): string => arms.find((arm) => arm.id === id)?.title ?? id;
  const boxes = pooled.map(({ arm, values, median, missRate }): Box => ({
    label: fixed(median, 2),
    values,
    tone: arm.startsWith('swin') ? 'student' : 'teacher',
    notes: [titleOf(arm), `${percent(missRate)} missed`],
  }));
  return html`<section>
    <h2>
      Downstream<small
        >${landmark}, the middle of the sinotubular junction, which no task taught: a probe on a
        frozen backbone, ${trainingCases} cases, ${steps} steps. Phantoms of a hospital that took no
        part.</small
      >
    </h2>
    <div class="body">
      <div class="row">
        ${boxPlot({ title: 'Distance to the truth', unit: 'mm', to: null, groups: [{ title: 'frozen backbone of', boxes }] })}
        <div class="scroll">
          <table>
            <thead>
              <tr>
                <th class="left" scope="col">backbone</th>
                <th class="left" scope="col">seed</th>
                <th scope="col">median, mm</th>
                <th scope="col">missed</th>
                <th scope="col">n</th>
              </tr>
            </thead>
            <tbody>
              ${figures.map(
                (one) =>
                  html`<tr>
                    <th scope="row">${titleOf(one.arm)}</th>
                    <td class="left">${one.seed ?? 'all'}</td>
                    <td>${medianText(one, 2)}</td>
                    <td>${percent(one.missRate)}</td>
                    <td>${one.n}</td>
                  </tr>`,
              )}
            </tbody>
          </table>
        </div>
      </div>
    </div>
  </section>`;
}

/** How far the probabilities of each arm are from how often they are right. */
export function calibrationSection(record: ReproductionRecord): Markup {
  const { arms, tasks } = record;
  return html`<section>
    <h2>
      Calibration<small
        >Expected calibration error in ten bins: how far a voxel's probability is from how often it
        is right, among voxels predicted as something or truly something. 0 is perfect.</small
      >
    </h2>
    <div class="body scroll">
      <table>
        <thead>
          <tr>
            <th class="left" scope="col">arm</th>
            ${tasks.map(({ id }) => groups.map((group) => html`<th scope="col">${id}, ${group}</th>`))}
          </tr>
        </thead>
        <tbody>
          ${arms.map(
            (arm) =>
              html`<tr>
                <th scope="row">${arm.title}</th>
                ${tasks.map((task) =>
                  groups.map(
                    (group) =>
                      html`<td>
                        ${fixed(figuresAt(record, arm.id, task, group)?.calibrationError ?? null, 3)}
                      </td>`,
                  ),
                )}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </section>`;
}

/** Over all seeds. */
function figuresAt(
  record: ReproductionRecord,
  arm: string,
  task: TaskRecord,
  group: ClientGroup,
): GroupFigures | undefined {
  return record.groups.find(
    (one) => one.arm === arm && one.task === task.id && one.group === group && one.seed === null,
  );
}

/** `2.91 [2.80–3.05]`. */
function medianText(
  figures: Pick<Figures, 'median' | 'interval'> | undefined,
  digits: number,
): Markup | string {
  if (figures === undefined || figures.median === null) return absent;
  const { median, interval } = figures;
  const range =
    interval === null ? '' : `[${fixed(interval.low, digits)}–${fixed(interval.high, digits)}]`;
  return html`${fixed(median, digits)} <span class="quiet">${range}</span>`;
}

/** Decimals that a median of this task is shown with. */
export function digitsOf({ kind }: TaskRecord): number {
  return kind === 'points' ? 2 : 3;
}
