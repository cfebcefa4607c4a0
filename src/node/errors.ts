/** Why a hospital's node cannot be set up, read or started. Every message says what was expected, what came and what to do. */
import { AnnulusError } from '../base/index.ts';

/** Each code with its facts. Paths and versions only: never keys, never bytes. */
export type NodeErrorFacts =
  /** There is no home in this folder. */
  | { readonly code: 'no_home'; readonly folder: string }
  /** A file of the home is not what this program writes there. */
  | { readonly code: 'bad_home'; readonly file: string }
  /** The keys in the home and what is said of them are not one. */
  | { readonly code: 'keys_differ'; readonly file: string }
  /** A version of the manifest that the home has already gone past, or knows otherwise. */
  | { readonly code: 'stale_manifest'; readonly version: number; readonly known: number }
  /** A version whose forerunners are not in the home. */
  | { readonly code: 'missing_versions'; readonly version: number; readonly expected: number }
  /** A file of another consortium. */
  | { readonly code: 'foreign_consortium'; readonly expected: string; readonly came: string }
  /** A manifest in which this hospital does not stand with the keys of this home. */
  | { readonly code: 'not_my_keys'; readonly version: number; readonly reason: string }
  /** A version of the manifest that cannot be drafted. */
  | { readonly code: 'bad_draft'; readonly reason: string }
  /** An invitation that holds no longer, or not yet: one of the two clocks is wrong. */
  | { readonly code: 'invitation_expired'; readonly agoMs: number }
  | { readonly code: 'invitation_early'; readonly inMs: number }
  /** A version that this hospital should not sign. */
  | { readonly code: 'not_to_sign'; readonly reason: string };

/** The room's one error class. */
export class NodeError extends AnnulusError<NodeErrorFacts> {
  constructor(facts: NodeErrorFacts, options?: { cause?: unknown }) {
    super(facts, describe(facts), options);
  }
}

function describe(facts: NodeErrorFacts): string {
  switch (facts.code) {
    case 'no_home':
      return `${facts.folder}: no home of a node; make one with annulus init, or name another with --home`;
    case 'bad_home':
      return `${facts.file}: not a file of a home as this program writes it; restore the home from a backup`;
    case 'keys_differ':
      return `${facts.file}: its keys are not those in the file of public keys beside it; restore both from one backup`;
    case 'stale_manifest':
      return `version ${facts.version} of the manifest is not the next: this home has version ${facts.known}; ask for the newest version`;
    case 'missing_versions':
      return `version ${facts.version} of the manifest came before version ${facts.expected}: give all versions from ${facts.expected} on`;
    case 'foreign_consortium':
      return `the file is of consortium ${facts.came}, this home of ${facts.expected}: ask for the file of the right consortium, or use another home`;
    case 'not_my_keys':
      return `version ${facts.version} of the manifest ${facts.reason}: send the join request of this home again and have a new version signed`;
    case 'bad_draft':
      return facts.reason;
    case 'invitation_expired':
      return `the invitation expired ${durationText(facts.agoMs)} ago: ask for a new one; if it is new, the clock of this machine is wrong`;
    case 'invitation_early':
      return `the invitation begins in ${durationText(facts.inMs)}: the clock of this machine or of the inviter's is wrong`;
    case 'not_to_sign':
      return facts.reason;
  }
}

function durationText(ms: number): string {
  const minutes = Math.ceil(ms / 60_000);
  if (minutes < 120) return `${minutes} minutes`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} hours` : `${Math.round(hours / 24)} days`;
}
