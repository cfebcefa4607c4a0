/** What can go wrong with this machine: its disk, its locks, its key files. */
import { AnnulusError } from '../base/index.ts';

/** Each code with its facts. */
export type HostErrorFacts =
  | { readonly code: 'disk_full'; readonly path: string }
  | { readonly code: 'disk_read_only'; readonly path: string }
  | { readonly code: 'disk_denied'; readonly path: string }
  | { readonly code: 'disk_failed'; readonly path: string; readonly errno: string }
  | { readonly code: 'bad_name'; readonly name: string }
  | { readonly code: 'folder_locked'; readonly path: string; readonly pid: number }
  /** No node answers at its socket. */
  | { readonly code: 'no_control'; readonly path: string }
  /** What answers there is no node of this program. */
  | { readonly code: 'bad_control'; readonly path: string }
  | { readonly code: 'bad_cases'; readonly path: string; readonly expected: string }
  | { readonly code: 'key_file_mode'; readonly path: string; readonly mode: string }
  | { readonly code: 'key_file_exists'; readonly path: string }
  | { readonly code: 'folder_missing'; readonly path: string }
  | { readonly code: 'folder_mode'; readonly path: string; readonly mode: string }
  | { readonly code: 'folder_not_empty'; readonly path: string }
  | { readonly code: 'folder_mounted'; readonly path: string }
  | { readonly code: 'bad_archive'; readonly path: string; readonly expected: string }
  | { readonly code: 'bad_setting'; readonly key: string; readonly expected: string };

/** The room's one error class. */
export class HostError extends AnnulusError<HostErrorFacts> {
  constructor(facts: HostErrorFacts, options?: { cause?: unknown }) {
    super(facts, describe(facts), options);
  }
}

function describe(facts: HostErrorFacts): string {
  switch (facts.code) {
    case 'bad_setting':
      return `setting ${facts.key}: expected ${facts.expected}`;
    case 'disk_full':
      return `no space left for ${facts.path}: free some, then start again; nothing was lost`;
    case 'disk_read_only':
      return `${facts.path} is on a read-only file system: mount it writable or move the node folder`;
    case 'disk_denied':
      return `no permission for ${facts.path}: check its owner and mode`;
    case 'disk_failed':
      return facts.errno === 'EMFILE' || facts.errno === 'ENFILE'
        ? `no more files may be opened (${facts.path}): raise the limit, for instance ulimit -n 4096`
        : `the disk refused ${facts.path}: ${facts.errno}: look for its fault in the system's log`;
    case 'bad_name':
      return `store name ${JSON.stringify(facts.name.slice(0, 80))}: expected segments of [A-Za-z0-9._-]`;
    case 'folder_locked':
      return `${facts.path} is in use by process ${facts.pid}: two nodes must never run with one key`;
    case 'no_control':
      return `no node answers at ${facts.path}: start it with annulus start, or name its home with --home`;
    case 'bad_control':
      return `what answers at ${facts.path} is no node of this version: stop it, and start it again`;
    case 'bad_cases':
      return `${facts.path}: ${facts.expected}`;
    case 'key_file_mode':
      return `${facts.path} has mode ${facts.mode}: others could read the key; run chmod 600 on it`;
    case 'key_file_exists':
      return `${facts.path} exists: a key is never overwritten; move it away first`;
    case 'bad_archive':
      return `${facts.path}: expected ${facts.expected}: it was cut or changed; take another copy`;
    case 'folder_missing':
      return `${facts.path}: no such folder`;
    case 'folder_mode':
      return `${facts.path} has mode ${facts.mode}: others could read what is in it; run chmod 700 on it`;
    case 'folder_not_empty':
      return `${facts.path} is not empty: choose another folder, or move away what is in it`;
    case 'folder_mounted':
      return `${facts.path} is a mount point: name a folder inside it`;
  }
}
