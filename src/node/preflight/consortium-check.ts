/** Whether this home's keys, manifest and program are those that the consortium knows. */
import type { NodeId } from '../../base/index.ts';
import type { Manifest, Member } from '../../wire/index.ts';
import { fine, type Finding } from './finding.ts';

/** Keys that stand in a member's line, and what people call them. */
const keyNames: Readonly<Partial<Record<keyof Member, string>>> = {
  orgKey: 'org root',
  consensusKey: 'consensus',
  logKey: 'log',
  witnessKey: 'witness',
  transportKey: 'transport',
  sealKey: 'seal',
};

/** This home's line against that of the newest manifest here. */
export function checkKeys(own: Member, newest: Manifest | null): Finding {
  const subject = own.id;
  const line = (found: string, remedy: string): Finding => {
    return { check: 'keys', subject, outcome: 'fail', found, remedy };
  };
  if (newest === null) {
    const remedy = 'get the signed manifest from another member, then: annulus join FILE';
    return line('this home has joined no consortium yet', remedy);
  }
  const known = newest.members.find(({ id }) => id === own.id);
  if (known === undefined) {
    const remedy =
      'hand your join request to a member, who drafts the next version; or take a newer one with annulus join';
    return line(`${own.id} is not in version ${newest.version} of the manifest`, remedy);
  }
  const foreign = (Object.keys(keyNames) as (keyof Member)[]).filter(
    (key) => known[key] !== own[key],
  );
  if (foreign.length === 0) {
    return fine('keys', subject, `all keys are those of version ${newest.version} of the manifest`);
  }
  const names = foreign.map((key) => keyNames[key]).join(', ');
  const remedy =
    'use the home that these keys were made in, or renew them: annulus member rotate, then submit';
  return line(`the manifest names other keys for ${own.id}: ${names}`, remedy);
}

/** How new the manifest here is, after what members said. */
export function checkManifest(
  version: number,
  newer: readonly { readonly member: NodeId; readonly version: number }[],
): Finding {
  if (newer.length === 0) return unasked('manifest', `version ${version}`);
  const newest = newer.reduce((best, one) => (one.version > best.version ? one : best), {
    member: null as NodeId | null,
    version,
  });
  const subject = `version ${version}`;
  if (newest.member === null) return fine('manifest', subject, 'no member knows a newer version');
  return {
    ...{ check: 'manifest', subject, outcome: 'warn' },
    found: `${newest.member} has version ${newest.version}`,
    remedy:
      'nothing, if a member of your version can be reached: the node follows by itself; else, and after a restart of the consortium, take the version in: annulus consortium submit FILE, or annulus join FILE while the node is stopped',
  };
}

/** Whether the members run this very program: rounds are trained by one program alone. */
export function checkVersion(
  own: string,
  others: readonly { readonly member: NodeId; readonly code: string }[],
): Finding[] {
  const foreign = others.filter(({ code }) => code !== own);
  const subject = `program ${own.slice(0, 12)}`;
  if (others.length === 0) return [unasked('version', subject)];
  if (foreign.length === 0) {
    return [
      fine('version', subject, `the same as at ${others.length} members that could be asked`),
    ];
  }
  const names = foreign.map(({ member, code }) => `${member} (${code.slice(0, 12)})`).join(', ');
  const isAlone = foreign.length * 2 > others.length;
  return [
    {
      ...{ check: 'version', subject, outcome: isAlone ? 'fail' : 'warn' },
      found: `another program at ${names}: rounds of another program are not joined`,
      remedy: isAlone
        ? 'install the version that the others run'
        : 'ask those members to install the version that most run',
    },
  ];
}

function unasked(check: Finding['check'], subject: string): Finding {
  const found = 'no member could be asked';
  return { check, subject, outcome: 'unknown', found, remedy: null };
}
