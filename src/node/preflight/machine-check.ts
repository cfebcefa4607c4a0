/** Whether this machine lets the node listen, guards its keys, and can train in time. */
import { fine, type Finding } from './finding.ts';

/** @param failure why the address cannot be listened on; null when it can. @param isOwn whether this node listens there already */
export function checkPort(address: string, failure: string | null, isOwn: boolean): Finding {
  if (isOwn) return fine('port', address, 'this node listens on it');
  if (failure === null) return fine('port', address, 'free');
  return {
    ...{ check: 'port', subject: address, outcome: 'fail', found: failure },
    remedy: 'choose another port in node.yaml (and in the manifest), or stop what uses it',
  };
}

/** Paths of the home with the rights that others have to them. */
export function checkRights(
  paths: readonly { readonly path: string; readonly mode: number }[],
): Finding[] {
  const loose = paths.filter(({ mode }) => (mode & 0o077) !== 0);
  if (loose.length === 0) {
    return [fine('rights', 'home', 'only its owner can read keys and state')];
  }
  return loose.map(({ path, mode }): Finding => {
    const shown = (mode & 0o777).toString(8).padStart(4, '0');
    return {
      ...{ check: 'rights', subject: path, outcome: 'fail' },
      found: `mode ${shown}: others on this machine could read it`,
      remedy: `chmod go-rwx ${path}`,
    };
  });
}

/** A timed step of training. */
export interface ComputeFacts {
  /** What `auto`, or the setting, computes on; null when nothing works. */
  readonly backend: string | null;
  /** Why it failed; null when it did not. */
  readonly failure: string | null;
  /** Of one training step; null when none was timed. */
  readonly stepMs: number | null;
  /** Time that a round of the longest stage leaves for one step. */
  readonly stepMsMax: number;
}

/** Whether the steps of a round fit before its deadline. */
export function checkCompute({ backend, failure, stepMs, stepMsMax }: ComputeFacts): Finding {
  const subject = backend ?? 'none';
  const line = (outcome: Finding['outcome'], found: string, remedy: string): Finding => {
    return { check: 'compute', subject, outcome, found, remedy };
  };
  if (backend === null)
    return line('fail', 'nothing here can train', 'annulus doctor says what is missing');
  if (failure !== null)
    return line('fail', failure, 'annulus doctor; or set compute.backend in node.yaml');
  if (stepMs === null) return { ...fine('compute', subject, 'not timed'), outcome: 'unknown' };
  const found = `a training step takes ${stepMs.toFixed(0)} ms; a round leaves ${stepMsMax.toFixed(0)} ms for one`;
  if (stepMs * 1.5 <= stepMsMax) return fine('compute', subject, found);
  const remedy = 'use a faster backend (annulus doctor), or a longer roundTimeoutMs in the plan';
  return line(stepMs > stepMsMax ? 'fail' : 'warn', found, remedy);
}
