/** Whether the disk has room, keeps what it acknowledges, and how long that takes. */
import { fine, type Finding } from './finding.ts';

/** What a trial of the disk gave. */
export interface DiskFacts {
  readonly folder: string;
  /** Null when it could not be told. */
  readonly freeBytes: number | null;
  /** Median time of a small write that is on the disk when it returns, ms; null when a write failed. */
  readonly syncMs: number | null;
  /** Why a write failed, and what to do; null when all went well. */
  readonly failure: { readonly found: string; readonly remedy: string } | null;
  /** What one round may add: own and others' updates, and a model. */
  readonly roundBytes: number;
}

const slowSyncMs = 50;
/** Rounds that must fit: a node deletes old ones, but not before it has new ones. */
const roundsWanted = 3;

/** The disk of one folder. */
export function checkDisk(facts: DiskFacts): Finding[] {
  const { folder, freeBytes, syncMs, failure, roundBytes } = facts;
  const line = (outcome: Finding['outcome'], found: string, remedy: string | null): Finding => {
    return { check: 'disk', subject: folder, outcome, found, remedy };
  };
  if (failure !== null) return [line('fail', `a write failed: ${failure.found}`, failure.remedy)];
  const findings: Finding[] = [];
  const wanted = roundsWanted * roundBytes;
  if (freeBytes === null) findings.push(line('unknown', 'free space could not be told', null));
  else if (freeBytes < roundBytes) {
    const found = `${size(freeBytes)} free, one round needs up to ${size(roundBytes)}`;
    findings.push(line('fail', found, 'free space, or move the home to a larger disk'));
  } else if (freeBytes < wanted) {
    const found = `${size(freeBytes)} free, ${roundsWanted} rounds need up to ${size(wanted)}`;
    findings.push(line('warn', found, 'free space, or lower peer.bulkBytesMax in node.yaml'));
  } else findings.push(fine('disk', folder, `${size(freeBytes)} free`));
  if (syncMs !== null) {
    const found = `a write is on the disk after ${syncMs.toFixed(1)} ms`;
    const advice = 'each vote waits for it: put the home on a local SSD, not on a network disk';
    findings.push(syncMs > slowSyncMs ? line('warn', found, advice) : fine('disk', folder, found));
  }
  return findings;
}

/** A size in the unit that fits it. */
export function size(bytes: number): string {
  const gib = bytes / 2 ** 30;
  return gib >= 1 ? `${gib.toFixed(1)} GiB` : `${(bytes / 2 ** 20).toFixed(0)} MiB`;
}
