/** What the verification of a run finds out, what it leaves open, and its rendering as plain text. */
import { printableLine, type Digest, type NodeId } from '../base/index.ts';
import { renderVerdict, type Finding, type LogVerdict } from './verdict.ts';
import type { BlobCount } from './verify-blobs.ts';
import type { NodeLogCount } from './verify-node-log.ts';

/** One node's log and folder. */
export interface NodeVerdict {
  readonly folder: string;
  /** With the findings of the folder around the log. */
  readonly verdict: LogVerdict;
  /** `null` when there was only a log. */
  readonly blobs: BlobCount | null;
  /** Of the node's own log; `null` when there was only a log. */
  readonly nodeLog: NodeLogCount | null;
}

/** The outcome of `verifyRun`. */
export interface RunVerdict {
  /** No findings, here or in a log. */
  readonly ok: boolean;
  /** Of what is between the logs; each log has its own. */
  readonly findings: readonly Finding[];
  readonly notes: readonly string[];
  readonly logs: readonly NodeVerdict[];
  /** The sealed model that `model/` was held against; `null` when it was not. */
  readonly model: { readonly digest: Digest; readonly round: number } | null;
  /** Members in the manifest. */
  readonly members: number;
  /** Members of a run whose folder is not there. */
  readonly missing: readonly NodeId[];
  /** What the verdict says nothing about, a phrase each. */
  readonly notChecked: readonly string[];
}

/** What even a good verdict leaves open. */
export function notChecked(given: {
  readonly isRun: boolean;
  readonly hasModel: boolean;
  readonly areModelsInHomes: boolean;
  readonly hasBlobs: boolean;
  readonly hasOwnLogs: boolean;
}): string[] {
  const phrases: [boolean, string][] = [
    [
      true,
      'that a sealed model is the average of its updates: they are encrypted for the members, a quorum of whom computed it',
    ],
    [
      true,
      'what a hospital trained on, and that it trained as its statement says: its cases/, states/ and own records in wal/, own/ and peer.log',
    ],
    [
      !given.isRun,
      `the other members' copies${given.hasModel ? '' : ', and the exported model'}: give the run's folder for that`,
    ],
    [given.areModelsInHomes, "the model/ in each member's home: give that home for it"],
    [!given.hasOwnLogs, "nodes' own logs: only a log was given"],
    [!given.hasBlobs, 'updates and models: only a log was given'],
    [given.hasModel, "model.json's window, spacing and intensity scale: no log holds them"],
    [given.isRun, 'report.html, record.json and run.json: nobody signs them'],
  ];
  return phrases.filter(([applies]) => applies).map(([, phrase]) => phrase);
}

/** The verdict for people: the first log in full, of further logs what differs or one line. Ends in a newline. */
export function renderRunVerdict(run: RunVerdict): string {
  const blocks = run.logs.flatMap(({ folder, verdict, blobs, nodeLog }, index) => [
    ...(index === 0 || !verdict.ok
      ? [printableLine(folder), renderVerdict(verdict)]
      : [
          printableLine(
            `${folder}: verified, ${verdict.treeSize} entries, root ${verdict.root ?? '-'}`,
          ),
        ]),
    ...(blobs === null ? [] : [blobLine(blobs)]),
    ...(nodeLog === null ? [] : [nodeLogLine(nodeLog)]),
    '',
  ]);
  const count = run.logs.reduce((sum, { verdict }) => sum + verdict.findings.length, 0);
  const findings = count + run.findings.length;
  const whole = [
    ...(run.model === null ? [] : [`model/      of round ${run.model.round}, ${run.model.digest}`]),
    ...run.notes.map((note) => `note: ${note}`),
    ...run.findings.map(({ where, what }) => `WRONG ${where}: ${what}`),
    'Not checked:',
    ...run.notChecked.map((what) => `  - ${what}`),
    '',
    run.ok
      ? `VERIFIED: ${run.logs.length} of ${run.members} members' logs, and all that is named above`
      : `NOT VERIFIED: ${findings} ${findings === 1 ? 'finding' : 'findings'}`,
  ];
  return `${[...blocks, ...whole.map(printableLine)].join('\n')}\n`;
}

function blobLine({ sound, unnamed, roundsNotKept, notHere }: BlobCount): string {
  const parts = [
    `${sound} with the digest they are named by`,
    ...(unnamed > 0 ? [`${unnamed} of them in no decision`] : []),
    ...(roundsNotKept.length > 0 ? [`not kept: updates of ${rangesOf(roundsNotKept)}`] : []),
    ...(notHere > 0 ? [`${notHere} not here, which it need not hold`] : []),
  ];
  return `blobs       ${parts.join('; ')}`;
}

function nodeLogLine({ entries, anchors, unanchored }: NodeLogCount): string {
  const tail = unanchored === 0 ? '' : `; the last ${unanchored} are in none yet`;
  return `own log     ${entries} entries, held against ${anchors} heads in the shared log${tail}`;
}

/** `round 4`, `rounds 1 to 3`. */
function rangesOf(rounds: readonly number[]): string {
  const [first, last] = [rounds[0], rounds.at(-1)];
  return first === last ? `round ${first ?? ''}` : `rounds ${first ?? ''} to ${last ?? ''}`;
}
