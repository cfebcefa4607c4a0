/** Why a case is not used as it is, told so that somebody without time can mend it: the rule, what came, the remedy. */
import { DataError } from '../errors.ts';
import type { Finding } from '../plausibility/verdict.ts';

/** `ask`: it can be used when the user says how it is to be read; `quarantined`: its files have to be mended. */
export type CaseState = 'ready' | 'ask' | 'quarantined';

/** Why a case is not ready. */
export interface CaseProblem {
  readonly state: Exclude<CaseState, 'ready'>;
  /** For programs, and to look up in docs/site-data.md; nothing of the patient. */
  readonly rule: string;
  /** What was expected and what came. May hold names of labels and files: for the hospital's own screen. */
  readonly text: string;
  readonly fix: string;
}

const again = 'copy the file again from where it came, whole; or export it again';
const fixes: Readonly<Record<string, string>> = {
  unknown_name:
    'say what it is: --name "THEIR NAME = OURS", or data.names in node.yaml; ignore drops it',
  name_twice: 'leave one of the two in the case',
  outside_ct: 'mark it in this very CT, and save it in the axes that the file names',
  same_place: 'mark it again',
  no_points: 'mark some, or take the list out of the case',
  other_grid:
    "save the segmentation on the CT's own grid (3D Slicer: export with the CT as reference)",
  other_value: 'save calcium as 0 and 1, the heart as 0 to 7',
  label_twice: 'leave one of the two in the case',
  no_ct: 'put the CT into the case: ct.nii.gz, or the files of its series',
  unknown_file: 'rename it to what it is, take it out of the case, or name it with --name',
  several_series: 'say which: --series ct-…, as often as there are cases, or --series largest',
  several_cts: 'leave one CT in the case',
  unreadable: 'give yourself the right to read it, or copy it again',
  whose_label:
    'put it into the folder of its own CT, or import each examination from a folder of its own',
  same_study: 'take one of the two out: a patient to train on must not be held out as well',
};

/** What a case lacks that is no fault of one file. */
export type SiteRule =
  'whose_label' | 'no_ct' | 'unknown_file' | 'several_cts' | 'unreadable' | 'same_study';

/** @param text what was expected and what came */
export function siteProblem(rule: SiteRule, text: string): CaseProblem {
  return { state: 'quarantined', rule, text, fix: fixes[rule] ?? again };
}

/** How a rule is mended, where only its name was kept. */
export function fixOf(rule: string): string {
  const option = rule.startsWith('ask_') ? asked[rule.slice('ask_'.length)] : undefined;
  if (option !== undefined) return `say ${option}`;
  return fixes[rule] ?? 'annulus data check says what is wrong with it';
}

/** More than one series could be the CT of a case. @param told each of them */
export function severalSeries(told: readonly string[]): CaseProblem {
  const text = `expected one CT series in a case, got ${told.length}: ${told.join(', ')}`;
  return { state: 'ask', rule: 'several_series', text, fix: fixes.several_series ?? again };
}

/** What was wrong with a file. */
export function problemOf(error: DataError): CaseProblem {
  const { facts, message } = error;
  const rule = ruleOf(error);
  if (facts.code === 'ask_first') {
    const option = asked[facts.option];
    if (option !== undefined) return { state: 'ask', rule, ...parted(message, `say ${option}`) };
  }
  return { state: 'quarantined', rule, ...parted(message, fixes[rule]) };
}

/** What speaks against labels: they are wrong, or the heart is a rare one. */
export function doubtful(doubts: readonly Finding[]): CaseProblem {
  const fix =
    'correct the labels; if the heart is so, look at it with annulus data preview and say --keep-implausible';
  const text = doubts.map((one) => one.text).join('; ');
  return { state: 'ask', rule: doubts[0]?.code ?? 'implausible', text, fix };
}

/** Flags by what a file leaves open. */
const asked: Readonly<Record<string, string>> = {
  frame: '--frame N, N from 0',
  axes: '--axes LAS, with the letters where its axes run to',
  units: '--units header to believe it, or --units mm',
};

/** What the reader of DICOM says of a series; its message names the rule once more, which stands beside it here. */
export function dicomProblem(rule: string, message: string): CaseProblem {
  return {
    state: 'quarantined',
    rule,
    ...parted(message.replace(` (rule ${rule})`, ''), undefined),
  };
}

/** Readers say behind the last semicolon how a file is mended; a flag or a word of our own comes before that. */
function parted(message: string, known: string | undefined): Pick<CaseProblem, 'text' | 'fix'> {
  const at = message.indexOf('; ');
  if (at < 0) return { text: message, fix: known ?? again };
  return { text: message.slice(0, at), fix: known ?? message.slice(at + 2) };
}

function ruleOf({ facts }: DataError): string {
  if (facts.code === 'ask_first') return `ask_${facts.option}`;
  if ('rule' in facts) return facts.rule;
  return 'field' in facts ? facts.field : facts.code;
}
