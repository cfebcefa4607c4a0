/** Whether the home itself can be used: its rights and files, what its keys may still do, and the process that runs on it. */
import { join } from 'node:path';
import { AnnulusError, fromUtf8, messageOf } from '../../base/index.ts';
import { diskStore, modesBelow } from '../../host/index.ts';
import type { Member } from '../../wire/index.ts';
import { restoredAtMs } from '../restored-mark.ts';
import { nodeFolderOf, type HomeFacts } from '../home.ts';
import { span } from './clock-check.ts';
import { fine, type Check, type Finding } from './finding.ts';
import { checkRights } from './machine-check.ts';

/** Of the process of this home: `silent` holds its socket and does not answer. */
export type NodeState = 'off' | 'running' | 'silent';

/** Paths of a home that are looked at. */
const modesMax = 10_000;

/** What answers at the socket of the home. */
export function checkNode(state: NodeState): Finding {
  if (state !== 'silent') {
    return fine('node', 'process', state === 'running' ? 'runs, and was asked' : 'does not run');
  }
  return {
    ...{ check: 'node', subject: 'process', outcome: 'fail' },
    found: 'its process is there and does not answer: it is suspended or overloaded',
    remedy:
      'look for it with ps: a process in state T goes on after kill -CONT PID; else see how busy the machine is',
  };
}

/** Rights of a home and of its keys: into a folder that is closed to others nobody else comes, whatever lies in it. */
export async function rightsFindings(folder: string): Promise<Finding[]> {
  const [home, ...below] = await modesBelow(folder, modesMax);
  const keys = below.filter(({ path }) => path.startsWith(join(folder, 'keys')));
  return checkRights([...(home === undefined ? [] : [home]), ...keys]);
}

/** What was found of a home that cannot even be looked at. @throws `error` when it is no fault of a home */
export async function brokenHome(folder: string, error: unknown): Promise<Finding[]> {
  if (!(error instanceof AnnulusError)) throw error;
  const rights = await rightsFindings(folder);
  const isOfRights = error.code === 'folder_mode' || error.code === 'key_file_mode';
  if (isOfRights) return rights;
  const isOfDisk = String(error.code).startsWith('disk_');
  const isOfKeys = ['keys_differ', 'not_my_keys', 'bad_key_file'].includes(String(error.code));
  const check: Check = isOfDisk ? 'disk' : isOfKeys ? 'keys' : 'manifest';
  const remedy = 'see the message; or restore the home from a backup: annulus restore FILE';
  const found = messageOf(error);
  return [...rights, { check, subject: folder, outcome: 'fail', found, remedy }];
}

/** Whether the keys of a home may vote: a restored one has to catch up first, one that signed elsewhere never again. */
export async function votingFindings(
  home: HomeFacts,
  own: Member,
  nowMs: number,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  const restored = await restoredAtMs(home);
  if (restored !== null) {
    const ago = span(Math.max(0, nowMs - restored));
    findings.push({
      ...{ check: 'keys', subject: home.id, outcome: 'warn' },
      found: `a copy, restored from a backup or moved from another folder, since ${ago} ago: it does not vote until that is confirmed`,
      remedy:
        'make sure that the home it was made of runs nowhere, then annulus restore --confirm; when in doubt annulus member rotate',
    });
  }
  if (await isRetired(home, own)) {
    findings.push({
      ...{ check: 'keys', subject: home.id, outcome: 'fail' },
      found:
        'its key has signed votes that this disk does not have, as a restored or cloned disk does: it votes no more',
      remedy:
        'make sure that no second machine runs with these keys, then: annulus member rotate, and submit',
    });
  }
  return findings;
}

/** As the peer notes it in `retired.json`; with a key in it, of that key alone. */
async function isRetired(home: HomeFacts, own: Member): Promise<boolean> {
  const bytes = await diskStore(nodeFolderOf(home)).read('retired.json');
  if (bytes === null) return false;
  try {
    const { key } = Object(JSON.parse(fromUtf8(bytes))) as { key?: unknown };
    return key === undefined || key === own.consensusKey;
  } catch {
    return true;
  }
}
