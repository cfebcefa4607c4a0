/** The paper's claims put to the test. */
import { html, type Markup } from './markup.ts';
import type { ReproductionRecord, VerdictRecord } from './reproduction-record.ts';

/** The paper's claims, whether each holds here, and by which figures. */
export function verdictSection({ verdicts }: ReproductionRecord): Markup {
  return html`<section class="wide">
    <h2>
      The paper's claims<small
        >Decided by medians over the cases of all seeds, in which a missed point counts as farther
        than any. The same rule is put to each seed and to the paper's own medians.</small
      >
    </h2>
    <div class="body">
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th class="left" scope="col">claim</th>
              <th class="left" scope="col">here</th>
              <th class="left" scope="col">figures that decide it</th>
              <th class="left" scope="col">the paper's medians</th>
            </tr>
          </thead>
          <tbody>
            ${verdicts.map(verdictRow)}
          </tbody>
        </table>
      </div>
    </div>
  </section>`;
}

function verdictRow({ claim, holds, figures, bySeed, paper }: VerdictRecord): Markup {
  return html`<tr>
    <td class="left wrap">${claim}</td>
    <td class="left">${answer(holds)}</td>
    <td class="left wrap">
      ${figures}${bySeed.map(
        (one) =>
          html`<br /><span class="quiet"
              >seed ${one.seed}
              <span class="${toneOf(one.holds)}">${markOf(one.holds)}</span> ${one.figures}</span
            >`,
      )}
    </td>
    <td class="left wrap">${answer(paper.holds)} <span class="quiet">${paper.figures}</span></td>
  </tr>`;
}

function answer(holds: VerdictRecord['holds']): Markup {
  const word = holds === null ? 'undecided' : holds ? 'holds' : 'does not hold';
  return html`<span class="${toneOf(holds)}">${markOf(holds)} ${word}</span>`;
}

function toneOf(holds: VerdictRecord['holds']): string {
  if (holds === null) return 'quiet';
  return holds ? 'good' : 'bad';
}

function markOf(holds: VerdictRecord['holds']): string {
  if (holds === null) return '–';
  return holds ? '✓' : '✗';
}
