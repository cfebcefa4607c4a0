/** What can go wrong between a peer and the real world: network, disk, workers. */
import { AnnulusError, type NodeId } from '../base/index.ts';

/** Each code with its facts. */
export type NodeErrorFacts =
  | NetworkErrorFacts
  | DiskErrorFacts
  | WorkerErrorFacts
  | { readonly code: 'bad_setting'; readonly key: string; readonly expected: string }
  /** The model that the plan begins a stage from is not on this machine as the plan has it. */
  | { readonly code: 'bad_start'; readonly digest: string; readonly reason: string };

/** Codes of the libp2p transport. */
export type NetworkErrorFacts =
  | { readonly code: 'port_taken'; readonly address: string }
  | { readonly code: 'listen_failed'; readonly address: string; readonly reason: string }
  | { readonly code: 'key_mismatch'; readonly member: NodeId }
  | { readonly code: 'not_a_member'; readonly member: NodeId }
  | { readonly code: 'bad_address'; readonly address: string; readonly expected: string }
  | { readonly code: 'bad_transport_key'; readonly member: NodeId }
  | { readonly code: 'not_connected'; readonly member: NodeId }
  | { readonly code: 'blob_range'; readonly offset: number; readonly totalBytes: number }
  | { readonly code: 'busy' }
  | { readonly code: 'too_slow'; readonly bytesPerSecond: number }
  | { readonly code: 'cancelled' }
  | { readonly code: 'stalled'; readonly waitedMs: number }
  | { readonly code: 'stream_cut' }
  | { readonly code: 'protocol_broken'; readonly expected: string };

/** Codes of the disk: store, key files, folder lock, a hospital's own cases. */
export type DiskErrorFacts =
  | { readonly code: 'disk_full'; readonly path: string }
  | { readonly code: 'disk_read_only'; readonly path: string }
  | { readonly code: 'disk_denied'; readonly path: string }
  | { readonly code: 'disk_failed'; readonly path: string; readonly errno: string }
  | { readonly code: 'bad_name'; readonly name: string }
  | { readonly code: 'folder_locked'; readonly path: string; readonly pid: number }
  | { readonly code: 'bad_cases'; readonly path: string; readonly expected: string }
  | { readonly code: 'key_file_mode'; readonly path: string; readonly mode: string }
  | { readonly code: 'key_file_exists'; readonly path: string };

/** Codes of the worker pool. */
export type WorkerErrorFacts =
  | { readonly code: 'worker_crashed'; readonly method: string; readonly reason: string }
  | { readonly code: 'job_failed'; readonly method: string; readonly reason: string }
  | { readonly code: 'job_cancelled'; readonly method: string }
  | { readonly code: 'queue_full'; readonly jobsMax: number }
  | { readonly code: 'pool_closed' };

/** The room's one error class. */
export class NodeError extends AnnulusError<NodeErrorFacts> {
  constructor(facts: NodeErrorFacts, options?: { cause?: unknown }) {
    super(facts, describe(facts), options);
  }
}

function describe(facts: NodeErrorFacts): string {
  switch (facts.code) {
    case 'bad_setting':
      return `setting ${facts.key}: expected ${facts.expected}`;
    case 'bad_start':
      return `the plan begins from the model ${facts.digest}: ${facts.reason}`;
    case 'worker_crashed':
    case 'job_failed':
    case 'job_cancelled':
    case 'queue_full':
    case 'pool_closed':
      return describeWorker(facts);
    case 'disk_full':
    case 'disk_read_only':
    case 'disk_denied':
    case 'disk_failed':
    case 'bad_name':
    case 'folder_locked':
    case 'bad_cases':
    case 'key_file_mode':
    case 'key_file_exists':
      return describeDisk(facts);
    case 'port_taken':
    case 'listen_failed':
    case 'key_mismatch':
    case 'not_a_member':
    case 'bad_address':
    case 'bad_transport_key':
    case 'not_connected':
    case 'blob_range':
    case 'busy':
    case 'too_slow':
    case 'cancelled':
    case 'stalled':
    case 'stream_cut':
    case 'protocol_broken':
      return describeNetwork(facts);
  }
}

function describeNetwork(facts: NetworkErrorFacts): string {
  switch (facts.code) {
    case 'port_taken':
      return `${facts.address} is in use by another program: stop it or choose another port`;
    case 'listen_failed':
      return `cannot listen on ${facts.address}: ${facts.reason}`;
    case 'key_mismatch':
      return `the transport key on this machine is not the one the manifest names for ${facts.member}`;
    case 'not_a_member':
      return `${facts.member} is not in the manifest`;
    case 'bad_address':
      return `address ${facts.address}: expected ${facts.expected}`;
    case 'bad_transport_key':
      return `transport key of ${facts.member}: expected 32 bytes of an Ed25519 public key`;
    case 'not_connected':
      return `not connected to ${facts.member}`;
    case 'blob_range':
      return `cannot start at byte ${facts.offset} of ${facts.totalBytes}`;
    case 'busy':
      return 'the other side serves as many transfers as it allows one peer';
    case 'too_slow':
      return `the other side sends ${facts.bytesPerSecond} bytes a second, below the floor`;
    case 'cancelled':
      return 'cancelled here';
    case 'stalled':
      return `the other side did nothing for ${facts.waitedMs} ms`;
    case 'stream_cut':
      return 'the stream was closed before its end';
    case 'protocol_broken':
      return `the other side broke the protocol: expected ${facts.expected}`;
  }
}

function describeDisk(facts: DiskErrorFacts): string {
  switch (facts.code) {
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
    case 'bad_cases':
      return `${facts.path}: ${facts.expected}`;
    case 'key_file_mode':
      return `${facts.path} has mode ${facts.mode}: others could read the key; run chmod 600 on it`;
    case 'key_file_exists':
      return `${facts.path} exists: a key is never overwritten; move it away first`;
  }
}

function describeWorker(facts: WorkerErrorFacts): string {
  switch (facts.code) {
    case 'worker_crashed':
      return `the worker died during ${facts.method}: ${facts.reason}`;
    case 'job_failed':
      return `${facts.method} failed: ${facts.reason}`;
    case 'job_cancelled':
      return `${facts.method} was cancelled`;
    case 'queue_full':
      return `more than ${facts.jobsMax} jobs are waiting`;
    case 'pool_closed':
      return 'the worker pool is closed';
  }
}
