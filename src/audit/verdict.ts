/** What the verification of a log directory finds out, and its rendering as plain text. */
import { invariant, printableLine, type Digest, type NodeId } from '../base/index.ts';

/** Something that does not hold. */
export interface Finding {
  /** The file or entry: `tile/0/000.p/20`, `entry 17 (update of L3, round 4)`. */
  readonly where: string;
  readonly what: string;
}

/** One round, as the log tells it. */
export interface RoundRecord {
  readonly round: number;
  readonly stage: string;
  /** Digest of the model it started from. */
  readonly base: Digest;
  /** Whose updates entered the average, and with what weight. */
  readonly participants: readonly { readonly node: NodeId; readonly weight: number }[];
  /** Who was asked and is not in the average. */
  readonly excluded: readonly NodeId[];
  /** 'open' or 'cut' when the log ends before the round does. */
  readonly outcome: 'sealed' | 'void' | 'cut' | 'open';
  /** Digest of the model that came out; `null` unless sealed. */
  readonly modelDigest: Digest | null;
  /** Why it was given up; `null` unless void. */
  readonly voidReason: string | null;
  /** Of a round that was mixed: exchanges, and how far the model may be from anybody's own who voted for it. */
  readonly mixed?: { readonly steps: number; readonly epsilon: number };
}

/** The outcome of `verifyLogDirectory`. */
export interface LogVerdict {
  /** No findings. */
  readonly ok: boolean;
  readonly findings: readonly Finding[];
  /** What a reader should know though nothing is wrong. */
  readonly notes: readonly string[];
  /** `null` when the manifest cannot be read. */
  readonly consortium: {
    readonly name: string;
    readonly cid: Digest;
    readonly origin: string;
    readonly members: readonly NodeId[];
  } | null;
  /** The member whose copy this is, by its signature on the checkpoint. */
  readonly keptBy: NodeId | null;
  readonly heights: number;
  readonly rounds: readonly RoundRecord[];
  /** Size and root of the cosigned tree; 0 and `null` without a cosigned checkpoint. */
  readonly treeSize: number;
  readonly root: Digest | null;
  /** Who cosigned the cosigned checkpoint. */
  readonly cosignedBy: readonly NodeId[];
  readonly quorum: number;
}

/** Most findings printed; the rest are counted. */
const findingsShownMax = 50;

/** Most files named in a finding that several share; the rest are counted. */
const namesShownMax = 3;

/** A finding that may grow: by further files with the same fault, and by what could not be checked because of it. */
interface Growing {
  readonly where: string[];
  readonly what: string;
  consequence: string;
}

/** Collects findings and notes: one finding for one cause, whatever follows from it. */
export class Report {
  readonly #findings: (Growing | Report)[] = [];
  readonly notes: string[] = [];

  /** All so far. */
  get findings(): Finding[] {
    return this.#findings.flatMap((one) =>
      one instanceof Report
        ? one.findings
        : [{ where: listed(one.where), what: one.what + one.consequence }],
    );
  }

  /** A report whose findings stand here, whenever they come: for checks that end later than the next ones. */
  part(): Report {
    const part = new Report();
    this.#findings.push(part);
    return part;
  }

  /** Records that something does not hold. */
  find(where: string, what: string): void {
    this.#findings.push({ where: [where], what, consequence: '' });
  }

  /** As `find`, for a fault that several files may share: they become one finding. */
  findShared(where: string, what: string): void {
    const same = this.#own.find((finding) => finding.what === what);
    if (same === undefined) this.find(where, what);
    else same.where.push(where);
  }

  /** Adds to the first finding about `where` what could not be checked because of it. */
  blame(where: string, consequence: string): void {
    const cause = this.#own.find((finding) => finding.where.includes(where));
    invariant(cause !== undefined, 'what is blamed was found');
    cause.consequence += `; ${consequence}`;
  }

  get #own(): Growing[] {
    return this.#findings.filter((one): one is Growing => !(one instanceof Report));
  }

  /** Records something worth knowing that is not wrong. */
  note(text: string): void {
    this.notes.push(text);
  }
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, namesShownMax).join(', ');
  const more = names.length - namesShownMax;
  return more > 0 ? `${shown} and ${more} more` : shown;
}

/** The verdict for people: one line a round, then findings, then the verdict. No trailing newline. */
export function renderVerdict(verdict: LogVerdict): string {
  const { consortium, findings } = verdict;
  const lines: string[] = [];
  if (consortium !== null) {
    lines.push(
      `consortium  ${consortium.name} (${consortium.members.length} members), id ${consortium.cid}`,
      `log         ${consortium.origin}, copy of ${verdict.keptBy ?? 'an unknown node'}`,
    );
  }
  if (verdict.root !== null) {
    lines.push(
      `cosigned    ${verdict.treeSize} entries, root ${verdict.root}`,
      `cosigned by ${verdict.cosignedBy.join(' ')} (${verdict.cosignedBy.length}, quorum ${verdict.quorum})`,
    );
  }
  lines.push(`heights     ${verdict.heights}`, '');
  if (verdict.rounds.length > 0) lines.push(...roundTable(verdict.rounds), '');
  for (const note of verdict.notes) lines.push(`note: ${note}`);
  for (const { where, what } of findings.slice(0, findingsShownMax)) {
    lines.push(`WRONG ${where}: ${what}`);
  }
  if (findings.length > findingsShownMax) {
    lines.push(`and ${findings.length - findingsShownMax} more findings`);
  }
  lines.push(
    verdict.ok
      ? 'VERIFIED: every file, signature, hash and round of this log holds'
      : `NOT VERIFIED: ${findings.length} ${findings.length === 1 ? 'finding' : 'findings'}`,
  );
  return lines.map(printableLine).join('\n');
}

function roundTable(rounds: readonly RoundRecord[]): string[] {
  const rows = rounds.map((round) => [
    String(round.round),
    round.stage,
    round.participants.map(({ node, weight }) => `${node}:${weight}`).join(' ') || '-',
    round.excluded.join(' ') || '-',
    outcomeOf(round),
  ]);
  const table = [['round', 'stage', 'averaged node:weight', 'left out', 'model'], ...rows];
  const widths = [0, 1, 2, 3].map((column) =>
    Math.max(...table.map((row) => row[column]?.length ?? 0)),
  );
  return table.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '));
}

function outcomeOf(round: RoundRecord): string {
  switch (round.outcome) {
    case 'sealed': {
      const { modelDigest, mixed } = round;
      const how = mixed && `, mixed (steps: ${mixed.steps}), within ${mixed.epsilon} of all`;
      return `${modelDigest ?? '-'}${how ?? ''}`;
    }
    case 'void':
      return `void: ${round.voidReason ?? '-'}`;
    case 'cut':
    case 'open':
      return 'not ended';
  }
}
