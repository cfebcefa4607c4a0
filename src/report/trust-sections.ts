/** Why to believe it: one model on all nodes, the log's verdict, what went wrong, what it cost. */
import { bytesText, durationText, shortDigest } from './figures.ts';
import { html, type Markup } from './markup.ts';
import type {
  LogVerdict,
  MachineRecord,
  NodeRecord,
  RunRecord,
  VirtualRecord,
} from './run-record.ts';

/** Whether all nodes hold one model and one log. */
export function agreementSection(record: RunRecord): Markup {
  const { nodes, sealedDigest, log } = record;
  const bytesMax = Math.max(1, ...nodes.flatMap((node) => [node.sentBytes, node.receivedBytes]));
  return html`<section>
    <h2>
      Agreement<small
        >Every node computed the student itself. The digest is SHA-256 over the canonical bytes of
        all weights.</small
      >
    </h2>
    <div class="body">
      <div class="verdict ${isAgreed(record) ? '' : 'failed'}">
        ${
          isAgreed(record)
            ? html`<b>✓ One model on ${nodes.length} nodes,</b> the one in the log's last SEAL
                block.<br /><code>${sealedDigest}</code>`
            : html`<b>✗ The nodes do not hold one sealed model.</b><br /><code
                  >${sealedDigest ?? 'nothing was sealed'}</code
                >`
        }
      </div>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th class="left" scope="col">node</th>
              <th class="left" scope="col">student</th>
              <th scope="col">block</th>
              <th scope="col">log entries</th>
              <th class="left" scope="col">log root</th>
              <th class="gap" scope="col">sent</th>
              <th scope="col">received</th>
              <th class="left" scope="col">
                <span class="key"
                  ><span><i style="background:var(--student)"></i>sent</span
                  ><span><i style="background:var(--teacher)"></i>received</span></span
                >
              </th>
            </tr>
          </thead>
          <tbody>
            ${nodes.map((node) => nodeRow(node, sealedDigest, bytesMax))}
          </tbody>
        </table>
      </div>
      ${logVerdict(log)}
    </div>
  </section>`;
}

/** Faults and how the others dealt with them; `null` where there were none. */
export function faultSection({ faults, startedAt }: RunRecord): Markup | null {
  if (faults.length === 0) return null;
  return html`<section>
    <h2>
      What went wrong<small
        >Faults of this run and how the others dealt with them. Times from the start,
        ${startedAt.slice(11, 19)} UTC.</small
      >
    </h2>
    <div class="body">
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">after</th>
              <th class="left" scope="col">node</th>
              <th class="left" scope="col">what</th>
              <th class="left" scope="col">in</th>
              <th class="left" scope="col"></th>
            </tr>
          </thead>
          <tbody>
            ${faults.map(
              ({ node, kind, stage, round, atMs, note }) =>
                html`<tr>
                  <td>${durationText(atMs)}</td>
                  <th scope="row">${node}</th>
                  <td
                    class="left ${kind === 'caught-up' ? 'good' : kind === 'killed' ? 'bad' : ''}"
                  >
                    ${kind}
                  </td>
                  <td class="left">${stage}, round ${round}</td>
                  <td class="left wrap">${note}</td>
                </tr>`,
            )}
          </tbody>
        </table>
      </div>
    </div>
  </section>`;
}

/** Time of each part, wall time or virtual, memory, and the machine. */
export function costSection({ stages, machine, virtual, settings }: RunRecord): Markup {
  const total = stages.reduce((sum, { ms }) => sum + ms, 0);
  const longest = Math.max(1, ...stages.map(({ ms }) => ms));
  return html`<section>
    <h2>
      Cost<small
        >${machine === null ? 'Virtual time of each part.' : 'Wall time of each part, and the machine.'}</small
      >
    </h2>
    <div class="body">
      <div class="scroll">
        <table>
          <tbody>
            ${stages.map(
              ({ title, id, ms }) =>
                html`<tr>
                  <th scope="row" style="font-weight:400">${title}</th>
                  <td class="bars">
                    <span
                      class="bar ${id.startsWith('teacher') ? 'teacher' : ''}"
                      style="width:${((100 * ms) / longest).toFixed(1)}%"
                    ></span>
                  </td>
                  <td>${durationText(ms)}</td>
                  <td class="quiet">${((100 * ms) / Math.max(1, total)).toFixed(0)} %</td>
                </tr>`,
            )}
            <tr class="sum">
              <th scope="row">all</th>
              <td></td>
              <td>${durationText(total)}</td>
              <td></td>
            </tr>
          </tbody>
        </table>
      </div>
      ${machine === null ? null : machineLines(machine)}
      ${virtual === null ? null : virtualLines(virtual)}
      <details>
        <summary>Settings of this run</summary>
        <pre class="mono">${JSON.stringify(settings, null, 1)}</pre>
      </details>
    </div>
  </section>`;
}

function machineLines(machine: MachineRecord): Markup {
  const versions = Object.entries(machine.versions);
  return html`<p>
      ${machine.processor}, ${machine.processorCount} processors, ${bytesText(machine.memoryBytes)}
      memory, ${machine.platform}; ${machine.backend} on ${machine.workers} training threads, at
      most ${bytesText(machine.peakMemoryBytes)} in use.
    </p>
    <p class="quiet">
      ${versions.map(([name, version], index) => `${index > 0 ? ' · ' : ''}${name} ${version}`)}
    </p>`;
}

function virtualLines({ faults, attack, messages, crypto }: VirtualRecord): Markup {
  const counts = Object.entries(crypto).map(([what, count]) => `${count} ${what}`);
  return html`<p>
      Virtual machines with hospitals that learn a quadratic each in place of images:
      ${messages.sent} messages, of which ${messages.delivered} came; of keys ${counts.join(', ')}.
    </p>
    ${
      attack === undefined
        ? null
        : html`<p>
            ${attack.liars.join(', ')} attacked the others, to be repeated with --attack:
            <code>${JSON.stringify(attack)}</code>
          </p>`
    }
    <details>
      <summary>${faults.length} faults, to be repeated with --faults</summary>
      <pre class="mono">${JSON.stringify(faults, null, 1)}</pre>
    </details>`;
}

/** Every node ended with the model of the log's last SEAL block. */
export function isAgreed({ nodes, sealedDigest }: RunRecord): boolean {
  return (
    sealedDigest !== null &&
    nodes.length > 0 &&
    nodes.every(({ modelDigest }) => modelDigest === sealedDigest)
  );
}

function nodeRow(node: NodeRecord, sealedDigest: string | null, bytesMax: number): Markup {
  const same = node.modelDigest !== null && node.modelDigest === sealedDigest;
  const width = (bytes: number): string => ((100 * bytes) / bytesMax).toFixed(1);
  return html`<tr>
    <th scope="row">${node.id}</th>
    <td class="left mono">
      <span class="${same ? 'good' : 'bad'}">${same ? '✓' : '✗'}</span>
      ${shortDigest(node.modelDigest)}
    </td>
    <td>${node.height}</td>
    <td>${node.logSize}</td>
    <td class="left mono">${shortDigest(node.logRoot)}</td>
    <td class="gap">${bytesText(node.sentBytes)}</td>
    <td>${bytesText(node.receivedBytes)}</td>
    <td class="bars">
      <span class="bar" style="width:${width(node.sentBytes)}%"></span
      ><span class="bar teacher" style="width:${width(node.receivedBytes)}%"></span>
    </td>
  </tr>`;
}

function logVerdict({
  ok,
  entries,
  nodesVerified,
  root,
  cosignatures,
  quorum,
  findings,
}: LogVerdict): Markup {
  return html`<div class="verdict ${ok ? '' : 'failed'}">
    ${ok ? html`<b>✓ The log verifies</b> on ${nodesVerified} nodes` : html`<b>✗ The log does not verify</b>`}:
    ${entries} entries, checkpoint signed by ${cosignatures} hospitals; ${quorum} are needed.<br /><code
      >${root}</code
    >
    ${
      findings.length > 0
        ? html`<ul>
            ${findings.map((finding) => html`<li>${finding}</li>`)}
          </ul>`
        : null
    }
  </div>`;
}
