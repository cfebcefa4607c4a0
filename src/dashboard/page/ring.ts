/** The consortium as a ring with nothing at its centre: this node at the top, and its link to each other member. */
import type { MemberStatus } from '../member-status.ts';
import { element, svg } from './elements.ts';

const centre = 160;
/** With more members the words would lie on each other: the ring is larger then, and the table has the words. */
const wordsMax = 16;
const dotMax = 15;
/** Longer names stand beside their place. */
const innerLength = 4;
const outerLength = 12;

/** How large a ring of so many is drawn. */
interface Size {
  readonly radius: number;
  readonly dot: number;
  readonly withWords: boolean;
}

function sizeOf(count: number): Size {
  const withWords = count <= wordsMax;
  const radius = withWords ? 92 : 128;
  // Places take four fifths of the ring at most.
  return { radius, withWords, dot: rounded(Math.min(dotMax, (0.8 * Math.PI * radius) / count)) };
}

/** The drawing, with the same in words for who cannot see it. */
export function ring(members: readonly MemberStatus[]): Element {
  const present = members.filter(({ isMember }) => isMember);
  const own = Math.max(
    0,
    present.findIndex(({ isSelf }) => isSelf),
  );
  const ordered = [...present.slice(own), ...present.slice(0, own)];
  const size = sizeOf(ordered.length);
  const places = ordered.map((member, index) => ({
    member,
    ...placeOf(index / ordered.length, size.radius),
  }));
  const [self] = places;
  if (self === undefined) return element('p', { class: 'quiet' }, 'no members are known yet');
  const words = ordered.map(
    ({ id, state, isSelf, link }) => `${id}: ${isSelf ? 'this node' : link}, ${state}`,
  );
  return svg(
    'svg',
    { viewBox: '0 8 320 304', role: 'img', 'aria-label': `Ring of members. ${words.join('; ')}` },
    svg('circle', { class: 'ring', cx: centre, cy: centre, r: size.radius }),
    ...places
      .slice(1)
      .map(({ member, x, y }) =>
        svg('path', { class: `link ${member.link}`, d: chord(self, { x, y }) }),
      ),
    ...places.map((place) => site(place, size)),
  );
}

interface Place {
  readonly x: number;
  readonly y: number;
  readonly cosine: number;
  readonly sine: number;
}

function placeOf(share: number, radius: number): Place {
  const angle = share * 2 * Math.PI - Math.PI / 2;
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  return { x: rounded(centre + radius * cosine), y: rounded(centre + radius * sine), cosine, sine };
}

/** A line between two places that bends towards the centre, so that neighbours' links do not lie on the ring. */
function chord(from: { x: number; y: number }, to: { x: number; y: number }): string {
  const bend = (a: number, b: number): number =>
    rounded((a + b) / 2 + (centre - (a + b) / 2) * 0.35);
  return `M${from.x} ${from.y}Q${bend(from.x, to.x)} ${bend(from.y, to.y)} ${to.x} ${to.y}`;
}

function site(place: Place & { readonly member: MemberStatus }, size: Size): Element {
  const { member, x, y } = place;
  const { dot, withWords } = size;
  const { id, state, isSelf } = member;
  return svg(
    'g',
    { class: `site ${state}` },
    // The fills let light through: no link shows below them.
    svg('circle', { class: 'back', cx: x, cy: y, r: dot }),
    svg('circle', { class: 'dot', cx: x, cy: y, r: dot }),
    isSelf ? svg('circle', { class: 'own', cx: x, cy: y, r: dot + 3.5 }) : null,
    withWords && id.length <= innerLength ? svg('text', { class: 'id', x, y: y + 3.5 }, id) : null,
    ...(withWords ? label(place) : []),
    svg('title', {}, `${id}: ${member.reason}`),
  );
}

/** Lines beside a place: its name where it does not fit inside, and one word. */
function label({
  member,
  x,
  y,
  cosine,
  sine,
}: Place & { readonly member: MemberStatus }): Element[] {
  const { id, state, isSelf, link } = member;
  const word = isSelf || link === 'connected' ? state : link === 'unknown' ? 'not heard' : link;
  const name = id.length <= outerLength ? id : `${id.slice(0, outerLength - 1)}…`;
  const lines = id.length <= innerLength ? [word] : [name, word];
  const anchor = Math.abs(cosine) < 0.3 ? '' : cosine > 0 ? 'start' : 'end';
  // Two lines need more room than one to clear their place.
  const away = dotMax + (lines.length === 1 ? 7 : 13);
  const middle = y + (anchor === '' ? (dotMax + 13) * Math.sign(sine) : away * sine);
  // Above the top place the lines grow upwards, below the lowest one downwards.
  const lift = anchor === '' ? Math.sign(sine) * (lines.length - 1) * 5.5 : 0;
  return lines.map((line, row) =>
    svg(
      'text',
      {
        class: `word ${anchor}`,
        x: rounded(anchor === '' ? x : x + away * cosine),
        y: rounded(middle + lift + 3.5 + (row - (lines.length - 1) / 2) * 11),
      },
      line,
    ),
  );
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
