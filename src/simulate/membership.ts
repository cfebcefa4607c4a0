/**
 * Changes of a virtual consortium's members as data: who joins, leaves or gets other keys, and when. The office drafts each as
 * the next version of the manifest, has the organisations sign it, and hands it to a node, again until it is in force.
 */
import { invariant, type Clock, type NodeId } from '../base/index.ts';
import type { PeerKeys } from '../peer/index.ts';
import {
  nextOf,
  type Manifest,
  type Member,
  type Plan,
  type SignedManifest,
  type SuccessorCheck,
} from '../wire/index.ts';
import { lineOf, signSuccessor, type VirtualMember } from './members.ts';

/** One change of the members. */
export interface MembershipChange {
  /** When it is drafted, ms from the start of the run; not before the ones ahead of it in the list are in force. */
  readonly atMs: number;
  /** `renew`: all keys of its node; `reroot`: the key of its organisation. */
  readonly kind: 'join' | 'revoke' | 'renew' | 'reroot';
  readonly node: NodeId;
}

/** How often a member's keys were drawn anew. */
export interface Generation {
  readonly node: number;
  readonly org: number;
}

/** The membership of a world. */
export interface WorldMembership {
  readonly changes: readonly MembershipChange[];
  /** A member with the keys of a generation. */
  readonly memberOf: (id: NodeId, generation: Generation) => VirtualMember;
  /** Opens a later version of the manifest by keys of the simulation. */
  readonly succeed: SuccessorCheck;
  /** The same as the nodes do it, made wrong by a test; `succeed` when absent. */
  readonly bent?: SuccessorCheck;
}

/** What the office knows of its world. */
export interface OfficePorts {
  readonly clock: Clock;
  readonly membership: WorldMembership;
  /** The latest version that is in force at some node. */
  readonly latest: () => SignedManifest;
  /** Hands a signed version to some node that goes by the one before it, if there is one now. */
  readonly submit: (previous: SignedManifest, bytes: Uint8Array) => void;
}

/** Between two looks at what is to be done, ms. */
const lookMs = 500;

/** See the file's header. */
export class MembershipOffice {
  readonly #ports: OfficePorts;
  readonly #startMs: number;
  #left: readonly MembershipChange[];

  constructor(ports: OfficePorts) {
    this.#ports = ports;
    this.#startMs = ports.clock.nowMs();
    this.#left = ports.membership.changes;
    if (this.#left.length > 0) this.#lookSoon();
  }

  /** Whether every change is in force. */
  get isDone(): boolean {
    this.#strike();
    return this.#left.length === 0;
  }

  /** The keys that the latest version in force names for a member, or its first ones. */
  memberNow(id: NodeId): VirtualMember {
    const { membership, latest } = this.#ports;
    return membership.memberOf(id, this.#generationIn(latest().manifest, id));
  }

  #lookSoon(): void {
    this.#ports.clock.setTimer(lookMs, () => {
      this.#strike();
      const [next] = this.#left;
      if (next === undefined) return;
      if (this.#ports.clock.nowMs() >= this.#startMs + next.atMs) this.#handIn(next);
      this.#lookSoon();
    });
  }

  /** Strikes out what is in force. */
  #strike(): void {
    const { manifest } = this.#ports.latest();
    for (let [next] = this.#left; next !== undefined; [next] = this.#left) {
      if (!this.#isInForce(next, manifest)) return;
      this.#left = this.#left.slice(1);
    }
  }

  #isInForce({ kind, node }: MembershipChange, manifest: Manifest): boolean {
    const isMember = manifest.members.some(({ id }) => id === node);
    if (kind === 'join') return isMember;
    if (kind === 'revoke') return !isMember;
    return (
      this.#generationIn(manifest, node)[kind === 'renew' ? 'node' : 'org'] >
      this.#before(kind, node)
    );
  }

  /** How often such a change of the member was made before the one that is next. */
  #before(kind: MembershipChange['kind'], node: NodeId): number {
    const { changes } = this.#ports.membership;
    const made = changes.slice(0, changes.length - this.#left.length);
    return made.filter((one) => one.kind === kind && one.node === node).length;
  }

  #handIn(change: MembershipChange): void {
    const previous = this.#ports.latest();
    this.#ports.submit(previous, this.#draft(previous, change));
  }

  /** Signed by all who must, and by nobody who need not. */
  #draft(previous: SignedManifest, { kind, node }: MembershipChange): Uint8Array {
    const { manifest } = previous;
    const { memberOf } = this.#ports.membership;
    const old = this.#generationIn(manifest, node);
    const generation = {
      node: old.node + Number(kind === 'renew'),
      org: old.org + Number(kind === 'reroot'),
    };
    const line = lineOf(memberOf(node, generation));
    const others = manifest.members.filter(({ id }) => id !== node);
    const members: Member[] = kind === 'revoke' ? others : [...others, line];
    members.sort((a, b) => (a.id < b.id ? -1 : 1));
    const plan =
      kind === 'join' || kind === 'revoke' ? planFor(manifest.plan, kind, node) : manifest.plan;
    const next: Manifest = { ...nextOf(previous), members, plan };
    const signers = [...manifest.members, ...members].map(({ id, orgKey }) => {
      const all = [old, generation].map((one) =>
        memberOf(id, id === node ? one : this.#generationIn(manifest, id)),
      );
      const found = all.find((one) => lineOf(one).orgKey === orgKey);
      invariant(found !== undefined, 'the office holds every org key');
      return found.keys.org;
    });
    const needed = kind === 'renew' ? [memberOf(node, old).keys.org] : signers;
    return signSuccessor(next, needed);
  }

  /** Which of its keys a version names; the first ones for who is no member. */
  #generationIn({ members }: Manifest, id: NodeId): Generation {
    const line = members.find((member) => member.id === id);
    const { memberOf, changes } = this.#ports.membership;
    const find = (isIt: (at: number) => boolean): number => {
      for (let at = 0; at <= changes.length; at++) if (isIt(at)) return at;
      return 0;
    };
    if (line === undefined) return { node: 0, org: 0 };
    return {
      node: find(
        (node) => lineOf(memberOf(id, { node, org: 0 })).consensusKey === line.consensusKey,
      ),
      org: find((org) => lineOf(memberOf(id, { node: 0, org })).orgKey === line.orgKey),
    };
  }
}

/** What a peer is given of a member's keys. */
export function peerKeysOf({ keys }: VirtualMember): PeerKeys {
  return { ...keys, sealPrivate: keys.seal.privateKey };
}

/** All who are members train. */
function planFor(plan: Plan, kind: 'join' | 'revoke', node: NodeId): Plan {
  const stages = plan.stages.map((stage) => {
    const others = stage.participants.filter((id) => id !== node);
    const participants = kind === 'join' ? [...others, node].sort() : others;
    const minParticipants = Math.min(stage.minParticipants, participants.length);
    return { ...stage, participants, minParticipants };
  });
  return { ...plan, stages };
}
