/** Whether the hospital's folder of cases holds what the manifest says it has. */
import { fine, type Finding } from './finding.ts';

/** What is in the folder. Counts alone: names stay in it. */
export interface DataFacts {
  readonly folder: string | null;
  /** Why the folder cannot be read; null when it can. */
  readonly failure: string | null;
  /** Training cases, and how many of them have each label. */
  readonly training: number;
  readonly labelled: Readonly<Record<string, number>>;
  /** Cases that cannot be used. */
  readonly setAside: number;
}

/** @param promised tasks that the manifest says this hospital has labels for */
export function checkData(facts: DataFacts, promised: readonly string[]): Finding[] {
  const { folder, failure, training, labelled, setAside } = facts;
  const line = (outcome: Finding['outcome'], found: string, remedy: string): Finding => {
    return { check: 'data', subject: folder ?? 'data', outcome, found, remedy };
  };
  const look = `annulus data check ${folder ?? 'FOLDER'} says what is wrong with each case`;
  if (folder === null) {
    // A member that promised no labels may vote and keep models without a case of its own.
    return [
      line(
        promised.length === 0 ? 'warn' : 'fail',
        'no cases were imported and no folder of cases is set',
        'annulus data import FOLDER, or set data.folder in node.yaml',
      ),
    ];
  }
  if (failure !== null) return [line('fail', failure, look)];
  if (training === 0) return [line('fail', 'no case to train on', look)];
  const missing = promised.filter((task) => (labelled[task] ?? 0) === 0);
  const findings: Finding[] = [];
  if (missing.length > 0) {
    const found = `the manifest says that this hospital has labels for ${missing.join(', ')}, but no case has one`;
    const remedy = `add them to the cases, or draft a version without them; ${look}`;
    findings.push(line('fail', found, remedy));
  }
  const unused = Object.keys(labelled).filter(
    (task) => (labelled[task] ?? 0) > 0 && !promised.includes(task),
  );
  if (unused.length > 0) {
    const found = `cases have labels for ${unused.join(', ')}, which the manifest does not know of`;
    const remedy =
      'to train on them, draft a version that names them: annulus member rotate --labels';
    findings.push(line('warn', found, remedy));
  }
  if (setAside > 0) findings.push(line('warn', `${setAside} cases cannot be used`, look));
  if (findings.some(({ outcome }) => outcome === 'fail')) return findings;
  const counts = Object.entries(labelled).map(([task, count]) => `${task} ${count}`);
  const found = `${training} cases to train on (${counts.join(', ')})`;
  return [fine('data', folder, found), ...findings];
}
