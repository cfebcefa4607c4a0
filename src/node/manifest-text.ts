/** A version of the manifest in plain words, for those who are asked to sign it. */
import { fingerprintWords, digestOf } from '../crypto/index.ts';
import type { NodeId } from '../base/index.ts';
import {
  approvalOf,
  changeBetween,
  memberDigest,
  memberOf,
  type Approval,
  type Manifest,
  type ManifestChange,
  type Member,
  type OpenedManifest,
  type Restart,
} from '../wire/index.ts';

/** What can be said of a version. */
export interface ManifestFacts {
  readonly name: string;
  readonly domain: string;
  readonly version: number;
  /** Id of the consortium where it is known: of a genesis, or when the version before is there. */
  readonly cid: string | null;
  readonly digest: string;
  /** Of the whole version: who signs compares them with the others. */
  readonly words: readonly string[];
  readonly members: readonly {
    readonly id: NodeId;
    readonly words: readonly string[];
    readonly labels: readonly string[];
    readonly addresses: readonly string[];
  }[];
  /** Null for a genesis, and when the version before is not there. */
  readonly change: ManifestChange | null;
  /** Null when the version before is not there. */
  readonly approval: Approval | null;
}

/** @param previous the version before with its consortium; null for a genesis or when it is not there */
export function factsOf(
  opened: OpenedManifest,
  previous: { readonly manifest: Manifest; readonly cid: string } | null,
): ManifestFacts {
  const { manifest, payload } = opened;
  const { name, domain, version } = manifest;
  const digest = digestOf(payload);
  const isGenesis = version === 0;
  const before = previous?.manifest ?? null;
  return {
    ...{ name, domain, version, digest },
    cid: isGenesis ? digest : (previous?.cid ?? null),
    words: fingerprintWords(digest),
    members: manifest.members.map((member) => ({
      id: member.id,
      words: wordsOf(member),
      labels: member.labels,
      addresses: member.addresses,
    })),
    change: before === null ? null : changeBetween(before, manifest),
    approval: before === null && !isGenesis ? null : approvalOf(before, opened),
  };
}

/** The eight words of a member's line. */
export function wordsOf(member: Member): readonly string[] {
  return fingerprintWords(memberDigest(member));
}

/** All of it in lines for a terminal. @param previous as for `factsOf` */
export function manifestText(
  opened: OpenedManifest,
  previous: { readonly manifest: Manifest; readonly cid: string } | null,
): string {
  const facts = factsOf(opened, previous);
  const { manifest } = opened;
  const title =
    facts.version === 0
      ? 'the genesis, which founds it'
      : `version ${facts.version} of its manifest`;
  const lines = [
    `Consortium ${facts.name} (${facts.domain}), ${title}`,
    ...(facts.cid === null ? [] : [`id        ${facts.cid}`]),
    `digest    ${facts.digest}`,
    `in words  ${facts.words.join(' ')}`,
    '',
    `Members: ${facts.members.length}`,
    ...facts.members.flatMap(memberLines),
    '',
    'Stages, in order:',
    ...manifest.plan.stages.map(({ id, rounds, stepsPerRound, participants }) => {
      return `  ${id}: ${rounds} rounds of ${stepsPerRound} steps; ${participants.join(', ')}`;
    }),
    ...(facts.change === null ? [] : ['', ...changeLines(facts.change, previous, manifest)]),
    ...(facts.approval === null ? [] : ['', ...approvalLines(facts.approval)]),
  ];
  return `${lines.join('\n')}\n`;
}

function memberLines({ id, words, labels, addresses }: ManifestFacts['members'][0]): string[] {
  const told = labels.length === 0 ? 'labels nothing' : `labels ${labels.join(', ')}`;
  const at = addresses.length === 0 ? 'no address: it dials the others' : addresses.join(', ');
  return [`  ${id}  ${words.join(' ')}`, `  ${' '.repeat(id.length)}  ${told}; ${at}`];
}

function changeLines(
  change: ManifestChange,
  previous: { readonly manifest: Manifest } | null,
  manifest: Manifest,
): string[] {
  const both = (id: NodeId): string => {
    const before = previous === null ? null : memberOf(previous.manifest, id);
    const after = memberOf(manifest, id);
    return before === null || after === null ? '' : differences(before, after).join(', ');
  };
  const { restart } = manifest;
  const lines = [
    ...(restart === undefined ? [] : restartLines(restart)),
    ...change.joined.map((id) => `  ${id} joins`),
    ...change.left.map((id) => `  ${id} leaves: its node is shut out when this is in force`),
    ...change.rerooted.map((id) => `  ${id} has another ORGANISATION'S KEY, which signs manifests`),
    ...change.renewed.map((id) => `  ${id} renews ${both(id)}`),
    ...(change.isPlanChanged ? ['  the plan changes: stages, rounds or who takes part'] : []),
    ...(change.areLimitsChanged ? ['  the limits of messages change'] : []),
  ];
  return ['Changes:', ...(lines.length === 0 ? ['  nothing'] : lines)];
}

function restartLines({ height, block, size, root, model }: Restart): string[] {
  return [
    `  RESTART after height ${height}, WITHOUT VOTES: only where those who leave are gone for good`,
    `    log of ${size} entries, root ${root}`,
    `    block ${block}`,
    `    ${model === undefined ? 'no model is sealed yet' : `model ${model}`}`,
  ];
}

function differences(before: Member, after: Member): string[] {
  const keys = ['consensusKey', 'logKey', 'witnessKey', 'transportKey', 'sealKey'] as const;
  return [
    ...(keys.some((key) => before[key] !== after[key]) ? ["its node's keys"] : []),
    ...(before.addresses.join() === after.addresses.join() ? [] : ['its addresses']),
    ...(before.labels.join() === after.labels.join() ? [] : ['its labels']),
  ];
}

function approvalLines({ groups, isEnough }: Approval): string[] {
  const lines = groups.map(({ who, signed, missing, needed }) => {
    const rest = missing.length === 0 ? '' : `; not yet ${missing.join(', ')}`;
    return `  ${who}: ${signed.length} of ${needed} needed${signed.length === 0 ? '' : ` (${signed.join(', ')})`}${rest}`;
  });
  return [`Signatures: ${isEnough ? 'enough' : 'not enough yet'}`, ...lines];
}
