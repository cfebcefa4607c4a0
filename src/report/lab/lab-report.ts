/** The page of a laboratory run: how it ended, its curves, its graph, its nodes, and all that it follows from. */
import { absent, bytesText, durationText } from '../figures.ts';
import { html, type Markup } from '../markup.ts';
import { renderPage } from '../page.ts';
import { bandChart, type BandChart, type BandCurve } from './band-chart.ts';
import { graphAnimation } from './graph-animation.ts';
import { heldOutWords, type HeldOutWords } from './held-out.ts';
import type { LabNode, LabRecord, LabRound, LabSettingsTree } from './lab-record.ts';

const blue = '#0072b2';
const orange = '#d55e00';
const green = '#009e73';
const nodesShown = 64;

/** Two figures beside each other where there is room. */
export const figureRow = 'grid-template-columns:repeat(auto-fit,minmax(min(100%,400px),1fr))';

/** One HTML file with figures and tables. */
export function renderLab(record: LabRecord, rounds: readonly LabRound[]): string {
  const { settings, final, nodes, frames, fork } = record;
  const attackers = new Set(nodes.filter(({ isAttacker }) => isAttacker).map(({ node }) => node));
  const name = textOf(settings.name);
  const heldOut = heldOutWords(settings);
  const forked = fork === null ? '' : `, gone on from round ${fork.round} of another run`;
  return renderPage({
    title: `Annulus laboratory: ${name}`,
    heading: name,
    summary: `${nodes.length} nodes in virtual time, ${record.untilRound} rounds${forked}.`,
    stamp: html`seed ${textOf(settings.seed)}`,
    sections: html`${ending(final, nodes.length, heldOut)}
      <section class="wide">
        <h2>On the way</h2>
        <div class="row" style="${figureRow}">${charts(rounds, heldOut).map(bandChart)}</div>
      </section>
      ${
        frames.length > 0 &&
        html`<section>
          <h2>
            The graph<small
              >A line where a message went. Nodes are coloured by their
              error${attackers.size > 0 && '; attackers have a red ring'}.</small
            >
          </h2>
          <div class="body">
            <figure style="max-width:520px">${graphAnimation(frames, attackers)}</figure>
          </div>
        </section>`
      }
      ${nodeSection(nodes)}
      <section>
        <h2>
          Settings<small
            >record.json has them all: <code>annulus simulate record.json</code> runs it again, to
            the same bytes.</small
          >
        </h2>
        <div class="body">
          <div class="scroll">
            <table class="tight">
              <tbody>
                ${settingRows(settings, '')}
              </tbody>
            </table>
          </div>
        </div>
      </section>`,
    footer: 'Annulus laboratory. Nothing on this page depends on the machine.',
  });
}

function ending(final: LabRound, count: number, heldOut: HeldOutWords): Markup {
  const { error, errorOfMean, errorMax, consensus, modelBytes, headerBytes, timeMs } = final;
  const bytes = modelBytes + headerBytes;
  const facts: readonly (readonly [string, string, string])[] = [
    ['error, mean of the nodes', shortText(error), `worst ${shortText(errorMax)}`],
    ['error of the mean model', shortText(errorOfMean), ''],
    ['distance to the mean', shortText(consensus), 'squared, mean of the nodes'],
    ['sent by a node', bytesText(bytes / count), `${bytesText(bytes)} in all`],
    ['virtual time', durationText(timeMs), `${final.steps} local steps`],
    ['messages', String(final.messages), `${final.lost} lost, ${final.late} late`],
    ...(final.testError === null
      ? []
      : [[heldOut.label, heldOut.text(final.testError), ''] as const]),
    ...(final.caught === null
      ? []
      : [
          [
            'attackers left out',
            `${(100 * final.caught).toFixed(0)} %`,
            `honest ${(100 * (final.falselyCaught ?? 0)).toFixed(0)} %`,
          ] as const,
        ]),
    ...(final.victimError === null
      ? []
      : [
          [
            'error of the victim',
            shortText(final.victimError),
            `${(100 * (final.victimShare ?? 0)).toFixed(0)} % of what it heard was of attackers`,
          ] as const,
        ]),
  ];
  return html`<section>
    <h2>At the end</h2>
    <div class="body">
      <div class="facts">
        ${facts.map(
          ([label, figure, more]) =>
            html`<div>
              <div class="name">${label}</div>
              <div class="figure">${figure}</div>
              <div class="more">${more}</div>
            </div>`,
        )}
      </div>
    </div>
  </section>`;
}

function charts(rounds: readonly LabRound[], heldOut: HeldOutWords): BandChart[] {
  const curve = (name: string, colour: string, y: (one: LabRound) => number | null): BandCurve => ({
    ...{ name, colour },
    points: rounds.flatMap((one) => {
      const value = y(one);
      return value === null ? [] : [{ x: one.round, middle: value, low: value, high: value }];
    }),
  });
  const spread: BandCurve = {
    name: 'mean of the nodes, best and worst',
    colour: blue,
    points: rounds.map(({ round, error, errorMin, errorMax }) => {
      return { x: round, middle: error, low: errorMin, high: errorMax };
    }),
  };
  const all: BandChart[] = [
    {
      ...{ title: 'Error', xLabel: 'round', yLabel: 'error above the best model', isLogY: true },
      curves: [
        spread,
        curve('mean model', orange, ({ errorOfMean }) => errorOfMean),
        ...(rounds.some(({ victimError }) => victimError !== null)
          ? [curve('victim', green, ({ victimError }) => victimError)]
          : []),
      ],
    },
    {
      ...{ title: 'Distance of the nodes', xLabel: 'round', isLogY: true },
      yLabel: 'mean squared distance to the mean',
      curves: [curve('distance', blue, ({ consensus }) => consensus)],
    },
    {
      ...{ title: 'Contraction of an exchange', xLabel: 'round', isLogY: false },
      yLabel: 'distance after over before',
      curves: [
        curve('measured; 1 less this is the effective gap', blue, ({ contraction }) => contraction),
      ],
    },
    {
      ...{ title: 'Unequal service', xLabel: 'round', isLogY: false },
      yLabel: 'standard deviation of own losses',
      curves: [curve('over the nodes', green, ({ unfairness }) => unfairness)],
    },
    {
      ...{
        title: 'Held-out samples',
        xLabel: 'round',
        yLabel: heldOut.unit,
        isLogY: false,
      },
      curves: [curve('mean of the nodes', blue, ({ testError }) => testError)],
    },
    {
      ...{
        title: 'Left out by the rule',
        xLabel: 'round',
        yLabel: 'share of messages',
        isLogY: false,
      },
      curves: [
        curve('of attackers', orange, ({ caught }) => caught),
        curve('of honest nodes', blue, ({ falselyCaught }) => falselyCaught),
      ],
    },
  ];
  return all.filter(({ curves }) =>
    curves.some(({ points }) => points.some(({ middle }) => middle !== 0)),
  );
}

function nodeSection(nodes: readonly LabNode[]): Markup {
  const worst = [...nodes].sort((a, b) => b.error - a.error).slice(0, nodesShown);
  return html`<section>
    <h2>
      Nodes<small
        >${nodes.length > nodesShown ? `The ${nodesShown} with the largest error; nodes.csv has all.` : 'By their error; nodes.csv has the same.'}</small
      >
    </h2>
    <div class="body">
      <div class="scroll">
        <table class="tight">
          <thead>
            <tr>
              <th>node</th>
              <th>error</th>
              <th>own loss</th>
              <th>samples</th>
              <th>slowness</th>
              <th>steps</th>
              <th>sent</th>
              <th>clock</th>
            </tr>
          </thead>
          <tbody>
            ${worst.map(
              ({
                node,
                isAttacker,
                error,
                localLoss,
                samples,
                slowness,
                steps,
                sentBytes,
                timeMs,
              }) =>
                html`<tr>
                  <th>${node}${isAttacker && html` <span class="bad">attacker</span>`}</th>
                  <td>${shortText(error)}</td>
                  <td>${shortText(localLoss)}</td>
                  <td>${samples}</td>
                  <td>${slowness.toFixed(1)}</td>
                  <td>${steps}</td>
                  <td>${bytesText(sentBytes)}</td>
                  <td>${durationText(timeMs)}</td>
                </tr>`,
            )}
          </tbody>
        </table>
      </div>
    </div>
  </section>`;
}

function settingRows(tree: LabSettingsTree, path: string): Markup[] {
  return Object.entries(tree).flatMap(([key, value]) => {
    const inner = path === '' ? key : `${path}.${key}`;
    if (typeof value === 'object' && !Array.isArray(value)) {
      return settingRows(value as LabSettingsTree, inner);
    }
    const text = String(value as string | number | boolean);
    return [
      html`<tr>
        <th>${inner}</th>
        <td class="left">${text === '' ? absent : text}</td>
      </tr>`,
    ];
  });
}

/** A plain value of settings. */
function textOf(value: LabSettingsTree[string] | undefined): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? '');
}

/** Three digits, in the notation that needs fewer of them. */
export function shortText(value: number): string {
  if (value === 0) return '0';
  if (!Number.isFinite(value)) return absent;
  return Math.abs(value) < 1e-3 || Math.abs(value) >= 1e5
    ? value.toExponential(2)
    : value.toPrecision(3);
}
