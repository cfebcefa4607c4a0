/** What the models can do: the table of errors, the box plots, the slices. */
import { boxPlot, type Box } from './box-plot.ts';
import { absent, fixed, median, percent } from './figures.ts';
import { html, type Markup } from './markup.ts';
import type {
  ConsortiumRecord,
  EvaluationGroup,
  EvaluationRow,
  RunRecord,
  TaskRecord,
} from './run-record.ts';
import { sliceFigure } from './slice-figure.ts';

const groupTitles = { training: 'labelled the task', other: 'never labelled it' } as const;
const groupIds = ['training', 'other'] as const;

/** Errors of student and teachers at every hospital, as table and box plots. */
export function evaluationSection({ consortium, evaluation, groups }: RunRecord): Markup {
  const { tasks } = consortium;
  const models = modelsOf(evaluation);
  return html`<section class="wide">
    <h2>
      Errors on held-out cases<small
        >Median [quartiles] of the distance to the true point (of a real patient: to the expert's),
        share of points not found, or Dice. Shaded: the hospital labelled this task.</small
      >
    </h2>
    <div class="body">
      <div class="scroll">
        <table class="tight">
          <thead>
            ${errorHeads(tasks, models)}
          </thead>
          <tbody>
            ${hospitalRows(consortium, evaluation, models)}
            ${groupIds.map(
              (group) =>
                html`<tr class="sum">
                  <th scope="row">${groupTitles[group]}</th>
                  ${tasks.map((task) =>
                    models.map((model, index) =>
                      groupCells(groups, model, task, group, index === 0),
                    ),
                  )}
                </tr>`,
            )}
          </tbody>
        </table>
      </div>
      <div class="row three">${tasks.map((task) => taskBoxes(task, models, groups))}</div>
      <p class="key">
        <span><i style="background:var(--student)"></i>student, one model for all tasks</span>
        <span><i style="background:var(--teacher)"></i>teacher, one model for each task</span>
        <span
          >Dots are single points or cases; a missed point has no distance and is in the share below
          the box.</span
        >
        ${undefinedNote(evaluation)} ${heartNote(evaluation)}
        <span
          >Not measured here: what a hospital's own training alone would have given, and so no
          interval for the gain over it; <code>annulus reproduce</code> trains that arm too and
          gives intervals.</span
        >
      </p>
    </div>
  </section>`;
}

/** Two rows: tasks, and below each the models. */
function errorHeads(tasks: readonly TaskRecord[], models: readonly string[]): Markup {
  return html`<tr>
      <th rowspan="2" class="left" scope="col">hospital</th>
      ${tasks.map(
        (task) =>
          html`<th class="gap" colspan="${models.length * columnCount(task)}" scope="colgroup">
            ${task.title} (${task.id}), ${unitOf(task)}
          </th>`,
      )}
    </tr>
    <tr>
      ${tasks.map((task) =>
        models.map(
          (model, index) =>
            html`<th scope="col" class="${index === 0 ? 'gap' : ''}">${model}</th>
              ${task.kind === 'points' ? html`<th scope="col">missed</th>` : null}`,
        ),
      )}
    </tr>`;
}

function hospitalRows(
  { tasks, hospitals }: ConsortiumRecord,
  evaluation: readonly EvaluationRow[],
  models: readonly string[],
): Markup[] {
  const find = (model: string, task: string, hospital: string): EvaluationRow | undefined =>
    evaluation.find((r) => r.model === model && r.task === task && r.hospital === hospital);
  return hospitals.map(
    ({ id, labelled }) =>
      html`<tr>
        <th scope="row">${id}</th>
        ${tasks.map((task) =>
          models.map((model, index) =>
            rowCells(find(model, task.id, id), task, [
              index === 0 ? 'gap' : '',
              (labelled[task.id] ?? 0) > 0 ? 'taught' : '',
            ]),
          ),
        )}
      </tr>`,
  );
}

/** Slices of held-out cases and of a real CT; `null` where the record has none. */
export function sliceSection({ slices }: RunRecord): Markup | null {
  if (slices.length === 0) return null;
  return html`<section class="wide">
    <h2>
      Looking at it<small
        >Held-out cases and a real CT, as radiologists look: the patient's right is on the left.
        Rings: true points. Crosses: found by the student. Diamonds: landmarks that another program
        found. Outlines: calcium, in the same colours. Fainter when further off the slice, and left
        out beyond 12 mm. A click on a picture shows it as large as the window.</small
      >
    </h2>
    <div class="body">
      <div class="slices" id="pictures">
        ${slices.map((slice, index) => sliceFigure(slice, `picture-${index + 1}`))}
      </div>
      <p class="key">
        <span><i style="background:var(--truth)"></i>true</span
        ><span><i style="background:var(--predicted)"></i>found by the student</span>${
          slices.some(({ points }) => points.some(({ kind }) => kind === 'reference'))
            ? html`<span
                ><i style="background:var(--reference)"></i>landmarks of another program: they show
                that the geometry is right, not how well the student finds its points</span
              >`
            : null
        }
      </p>
    </div>
  </section>`;
}

/** The student first, then the others in the order of the record. */
export function modelsOf(evaluation: readonly EvaluationRow[]): string[] {
  const names = [...new Set(evaluation.map(({ model }) => model))];
  return names.sort((a, b) => Number(b === 'student') - Number(a === 'student'));
}

/** The unit of errors in a task. */
export function unitOf({ kind }: TaskRecord): string {
  return kind === 'points' ? 'mm' : 'Dice';
}

function columnCount({ kind }: TaskRecord): number {
  return kind === 'points' ? 2 : 1;
}

function rowCells(
  row: EvaluationRow | undefined,
  task: TaskRecord,
  classes: readonly string[],
): Markup {
  const className = classes.filter((name) => name !== '').join(' ');
  const digits = task.kind === 'points' ? 1 : 2;
  const value = row?.value;
  const text =
    value === undefined || value.median === null
      ? absent
      : html`${fixed(value.median, digits)}
          <span class="quiet"
            >[${fixed(value.lowerQuartile, digits)}–${fixed(value.upperQuartile, digits)}]</span
          >`;
  const missed =
    task.kind === 'points'
      ? html`<td class="${className.replace('gap', '')}">${percent(row?.missRate ?? null)}</td>`
      : null;
  return html`<td class="${className}" title="n ${value?.n ?? 0}">${text}</td>
    ${missed}`;
}

function groupCells(
  groups: readonly EvaluationGroup[],
  model: string,
  task: TaskRecord,
  group: 'training' | 'other',
  isFirst: boolean,
): Markup {
  const found = groups.find((g) => g.model === model && g.task === task.id && g.group === group);
  const digits = task.kind === 'points' ? 1 : 2;
  const missed = task.kind === 'points' ? html`<td>${percent(found?.missRate ?? null)}</td>` : null;
  return html`<td class="${isFirst ? 'gap' : ''}" title="n ${found?.values.length ?? 0}">
      ${fixed(median(found?.values ?? []), digits)}
    </td>
    ${missed}`;
}

function taskBoxes(
  task: TaskRecord,
  models: readonly string[],
  groups: readonly EvaluationGroup[],
): Markup {
  const boxes = (group: 'training' | 'other'): Box[] =>
    models.map((model) => {
      const found = groups.find(
        (g) => g.model === model && g.task === task.id && g.group === group,
      );
      const n = `n ${found?.values.length ?? 0}`;
      const missRate = found?.missRate ?? null;
      return {
        label: model,
        values: found?.values ?? [],
        tone: model === 'student' ? 'student' : 'teacher',
        notes: missRate === null ? [n] : [n, `${percent(missRate)} missed`],
      };
    });
  return boxPlot({
    title: task.title,
    unit: unitOf(task),
    to: task.kind === 'points' ? null : 1,
    groups: groupIds.map((group) => ({ title: groupTitles[group], boxes: boxes(group) })),
  });
}

/** Where a student has a head for the heart: how well it does, in a sentence. */
function heartNote(evaluation: readonly EvaluationRow[]): Markup | null {
  const rows = evaluation.filter(({ model, task }) => model === 'student' && task === 'heart');
  if (rows.length === 0) return null;
  const figures = rows.map(({ hospital, value }) => `${hospital} ${fixed(value.median, 2)}`);
  return html`<span
    >Heart, mean Dice of the structures, median over cases: ${figures.join(', ')}.</span
  >`;
}

function undefinedNote(evaluation: readonly EvaluationRow[]): Markup | null {
  const count = evaluation
    .filter(({ model, task }) => model === 'student' && task !== 'heart')
    .reduce((sum, row) => sum + row.undefinedCount, 0);
  return count === 0
    ? null
    : html`<span
        >${count} held-out cases have no calcium: their Dice is undefined and left out.</span
      >`;
}
