/** Where members are not as this node is: another program, another time, another version of the manifest. From what they say. */
import type { NodeId } from '../base/index.ts';
import { durationText } from '../report/index.ts';
import type { MemberView } from './member-view.ts';
import type { Notice } from './node-facts.ts';
import type { NodeView } from './node-view.ts';

/** A version of the manifest goes round for a while: what is younger than this is no difference yet, ms. */
const graceMs = 60_000;

interface Heard {
  readonly id: NodeId;
  readonly said: NonNullable<MemberView['said']>;
}

/** Messages about differences, as `messagesOf` gives them. */
export function differences(view: NodeView): Notice[] {
  return [...programs(view), ...clocks(view), ...versions(view)];
}

/** What is different about one member, in clauses; of this node itself its clock. */
export function differencesOf(view: NodeView, id: NodeId): string[] {
  const { identity } = view;
  const clock = clockWords(view, id);
  const said = heard(view).find((one) => one.id === id)?.said;
  if (identity === null || said === undefined) return clock;
  const program = said.code === identity.code ? [] : ['it runs another program'];
  const version = isOther(view, said)
    ? [`it has version ${said.version} of the manifest, this node ${view.manifestVersion ?? 0}`]
    : [];
  return [...program, ...clock, ...version];
}

function heard({ members, identity }: NodeView): Heard[] {
  return members.flatMap(({ id, said, link }) =>
    said === null || id === identity?.self || link?.state !== 'connected' ? [] : [{ id, said }],
  );
}

function programs(view: NodeView): Notice[] {
  const { identity } = view;
  const all = heard(view);
  const others = all.filter(({ said }) => said.code !== identity?.code);
  const [first] = others;
  if (identity === null || first === undefined) return [];
  const names = others.map(({ id }) => id).join(', ');
  const own = `this one has ${identity.code.slice(0, 12)}`;
  const theirs = `${first.id} has ${first.said.code.slice(0, 12)}`;
  const isAlone = others.length * 2 > all.length;
  return [
    {
      ...{ code: 'other-program', level: 'warning', atMs: first.said.sinceMs },
      text: isAlone
        ? `this node runs another program than ${names} (${own}, ${theirs}): it trains in none of their rounds`
        : `${names} runs another program than this node (${own}, ${theirs}): rounds of another program are not joined`,
      remedy: isAlone
        ? 'install the version of annulus that the others run, and start the node again'
        : 'ask its operator to install the version of annulus that most members run',
    },
  ];
}

/** How far each clock is ahead of the middle one, this node's among them, ms; only those that are too far. */
function wrongClocks(view: NodeView): { readonly id: NodeId; readonly aheadMs: number }[] {
  const { identity } = view;
  if (identity === null) return [];
  const all = [
    { id: identity.self, ms: 0 },
    ...heard(view).map(({ id, said }) => ({ id, ms: -said.aheadMs })),
  ].sort((a, b) => a.ms - b.ms);
  // Of two in the middle the one nearer to this clock: with one other member nobody can say whose is wrong.
  const half = (all.length - 1) / 2;
  const middle = [Math.floor(half), Math.ceil(half)].map((at) => all[at]?.ms ?? 0);
  const reference = middle.reduce((a, b) => (Math.abs(b) < Math.abs(a) ? b : a));
  return all
    .map(({ id, ms }) => ({ id, aheadMs: ms - reference }))
    .filter(({ aheadMs }) => Math.abs(aheadMs) > identity.clockSkewMs / 2);
}

function clockWords(view: NodeView, id: NodeId): string[] {
  const wrong = wrongClocks(view).find((one) => one.id === id);
  return wrong === undefined ? [] : [`its clock is ${distance(wrong.aheadMs)} the members'`];
}

function clocks(view: NodeView): Notice[] {
  const { identity } = view;
  if (identity === null) return [];
  const limit = durationText(identity.clockSkewMs);
  return wrongClocks(view).map(({ id, aheadMs }): Notice => {
    const isSelf = id === identity.self;
    const whose = isSelf ? "this node's clock" : `${id}'s clock`;
    const remedy = isSelf
      ? 'set the clock from a time server (timedatectl set-ntp true), then start the node again'
      : 'ask its operator to set the clock from a time server, and compare this one too';
    return {
      ...{ code: isSelf ? 'clock-skew' : `clock-${id}`, level: 'warning', atMs: 0, remedy },
      text: `${whose} is ${distance(aheadMs)} the members': blocks that are ${limit} off are refused`,
    };
  });
}

function distance(aheadMs: number): string {
  return `${durationText(Math.abs(aheadMs))} ${aheadMs > 0 ? 'ahead of' : 'behind'}`;
}

function isOther({ manifestVersion: own, nowMs }: NodeView, said: Heard['said']): boolean {
  return own !== null && said.version !== own && nowMs - said.sinceMs >= graceMs;
}

function versions(view: NodeView): Notice[] {
  const own = view.manifestVersion ?? 0;
  return heard(view)
    .filter(({ said }) => isOther(view, said))
    .map(({ id, said }): Notice => ({
      ...{ code: `manifest-${id}`, level: 'warning', atMs: said.sinceMs },
      text: `${id} has version ${said.version} of the manifest, this node ${own}`,
      remedy:
        said.version > own
          ? 'this node follows by itself when it has caught up; if it does not, take the version in: annulus consortium submit FILE, or annulus join FILE while the node is stopped'
          : 'it follows by itself when it has caught up; if it does not, its operator takes the version in: annulus join FILE',
    }));
}
