/** What can go wrong between two members: dialling, streams, the protocol. */
import { AnnulusError, type NodeId } from '../base/index.ts';

/** Each code with its facts. */
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
  | { readonly code: 'protocol_broken'; readonly expected: string }
  | { readonly code: 'bad_setting'; readonly key: string; readonly expected: string };

/** The room's one error class. */
export class NetworkError extends AnnulusError<NetworkErrorFacts> {
  constructor(facts: NetworkErrorFacts, options?: { cause?: unknown }) {
    super(facts, describe(facts), options);
  }
}

function describe(facts: NetworkErrorFacts): string {
  switch (facts.code) {
    case 'bad_setting':
      return `setting ${facts.key}: expected ${facts.expected}`;
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
