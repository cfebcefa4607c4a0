/** How the models came about: curves over rounds, and who took part in each. */
import { absent, bytesText, durationText, fixed, mean, shortDigest } from './figures.ts';
import { lineChart, type Line } from './line-chart.ts';
import { html, type Markup } from './markup.ts';
import type { RoundRecord, RunRecord } from './run-record.ts';

/** Loss and errors from round to round. */
export function curveSection(record: RunRecord): Markup {
  const stages = stagesOf(record.rounds);
  return html`<section class="wide">
    <h2>
      Learning<small
        >Mean training loss in each round (thin: one hospital, strong:
        all)${record.virtual === null ? lossOfImages : lossOfQuadratics}</small
      >
    </h2>
    <div class="body">
      <div class="row four">${stages.map((stage) => lossChart(stage, record))}</div>
      <div class="row three">
        ${record.consortium.tasks.map((task) => checkChart(task.id, task.title, record))}
      </div>
    </div>
  </section>`;
}

const lossOfImages: Markup = html`, and the error of the sealed model on held-out cases. The loss is
  the sum, over the tasks that a case has labels of and over the scales i of a model's outputs, of
  2<sup>−i</sup> × (cross-entropy − Dice), Dice being the soft overlap from 0 to 1. A term ranges
  from −1, when all is right, upwards without end: a negative loss is a good one, and nearer to −1
  for each task is better.`;

const lossOfQuadratics: Markup = html`. The loss of a hospital is half the squared distance from the
model to its own optimum. Their optima differ, so it does not fall to 0.`;

/** How a model came about that neighbours exchanged their way to. */
function mixedNote({ mixed }: RunRecord['rounds'][number]): string {
  return mixed === undefined ? '' : `, mixed (steps: ${mixed.steps}), within ${mixed.epsilon}`;
}

/** Every round: who took part with what weight, who was left out, and the model that came out. */
export function roundSection({ rounds, consortium }: RunRecord): Markup {
  const nodes = consortium.hospitals.map(({ id }) => id);
  return html`<section class="wide">
    <h2>
      Rounds<small
        >Weight of each hospital in the average. Every row is a block in the log that two thirds of
        the hospitals signed.</small
      >
    </h2>
    <div class="body">
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th class="left" scope="col">round</th>
              <th class="left" scope="col">stage</th>
              ${nodes.map((node) => html`<th scope="col">${node}</th>`)}
              <th class="gap" scope="col">loss</th>
              <th scope="col">update</th>
              <th scope="col">time</th>
              <th scope="col">block</th>
              <th class="left gap" scope="col">model after the round</th>
            </tr>
          </thead>
          <tbody>
            ${rounds.map(
              (round) =>
                html`<tr>
                  <th scope="row">${round.round}</th>
                  <td class="left">${round.stage} ${round.stageRound}</td>
                  ${nodes.map((node) => weightCell(round, node))}
                  <td class="gap">${fixed(meanLoss(round), 3)}</td>
                  <td>${bytesText(round.updateBytes)}</td>
                  <td>${durationText(round.ms)}</td>
                  <td>${round.height}</td>
                  <td class="left gap mono">
                    ${round.outcome === 'void' ? html`<span class="bad">void</span>` : shortDigest(round.modelDigest)}${mixedNote(round)}
                  </td>
                </tr>`,
            )}
          </tbody>
        </table>
      </div>
      ${exclusions(rounds)}
    </div>
  </section>`;
}

function lossChart(stage: string, { rounds, consortium }: RunRecord): Markup {
  const own = rounds.filter((round) => round.stage === stage && round.outcome === 'sealed');
  const lossOf = (round: RoundRecord, node: string): number | null =>
    round.participants.find((participant) => participant.node === node)?.loss ?? null;
  const lines = consortium.hospitals
    .map(({ id }): Line => ({
      name: id,
      tone: 'faint',
      values: own.map((round) => lossOf(round, id)),
    }))
    .filter(({ values }) => values.some((value) => value !== null));
  const tone = stage.startsWith('teacher') ? 'teacher' : 'student';
  return lineChart({
    title: stage,
    unit: 'training loss',
    rounds: own.map(({ stageRound }) => stageRound),
    lines: [...lines, { name: 'mean', tone, values: own.map(meanLoss) }],
    fromZero: false,
  });
}

/** Teachers and student of one task on one chart, each over its own rounds. */
function checkChart(task: string, title: string, { rounds }: RunRecord): Markup | null {
  const stages = stagesOf(rounds);
  const lines = stages.flatMap((stage): Line[] => {
    const values = rounds
      .filter((round) => round.stage === stage && round.outcome === 'sealed')
      .map(({ checks }) => checks.find((check) => check.task === task)?.value);
    const tone = stage.startsWith('teacher') ? 'teacher' : 'student';
    return values.some((value) => typeof value === 'number') ? [{ name: tone, tone, values }] : [];
  });
  if (lines.length === 0) return null;
  const unit = rounds.flatMap(({ checks }) => checks).find((check) => check.task === task)?.unit;
  const longest = Math.max(...lines.map(({ values }) => values.length));
  return lineChart({
    title,
    unit: unit === 'mm' ? 'median, mm' : 'median Dice',
    rounds: Array.from({ length: longest }, (_, index) => index + 1),
    lines,
    fromZero: true,
  });
}

function weightCell(round: RoundRecord, node: string): Markup {
  const participant = round.participants.find((entry) => entry.node === node);
  if (participant !== undefined) return html`<td class="taught">${participant.weight}</td>`;
  const left = round.excluded.find((entry) => entry.node === node);
  return left === undefined
    ? html`<td class="quiet">${absent}</td>`
    : html`<td class="bad" title="${left.reason}">out</td>`;
}

function exclusions(rounds: readonly RoundRecord[]): Markup | null {
  const lines = rounds.flatMap(({ round, stage, stageRound, excluded }) =>
    excluded.map(
      ({ node, reason }) =>
        html`<li>
          <b>${node}</b> was left out of round ${round} (${stage} ${stageRound}): ${reason}
        </li>`,
    ),
  );
  return lines.length === 0
    ? null
    : html`<ul>
        ${lines}
      </ul>`;
}

function stagesOf(rounds: readonly RoundRecord[]): string[] {
  return [...new Set(rounds.map(({ stage }) => stage))];
}

function meanLoss({ participants }: RoundRecord): number | null {
  return mean(participants.flatMap(({ loss }) => (loss === null ? [] : [loss])));
}
