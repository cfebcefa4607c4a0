/** A graph as a picture of its own, for a paper or a page: nodes on a circle or a grid, and who hears whom. */
import { px } from './axis.ts';
import { escapeText } from './markup.ts';

/** What is drawn. */
export interface GraphPicture {
  readonly title: string;
  /** A line of figures below the title. */
  readonly facts: string;
  /** Names, and a group each that decides colour and place on the circle. */
  readonly nodes: readonly { readonly name: string; readonly group: number }[];
  /** [from, to] by index; both directions of an undirected edge, or one. */
  readonly links: readonly (readonly [number, number])[];
  readonly directed: boolean;
  /** `hub`: the first node in the middle. `grid`: rows of so many columns whose ends meet. */
  readonly layout: 'circle' | 'hub' | { readonly columns: number };
}

interface Point {
  readonly x: number;
  readonly y: number;
}

const width = 560;
const height = 610;
const centre: Point = { x: width / 2, y: 330 };
const radius = 232;
/** Names are drawn up to so many nodes, and arrows up to so many links. */
const namesMax = 64;
const arrowsMax = 600;
/** The report's colours of students, teachers and others, and three more that are told apart without them. */
const colours = ['#0b5f7d', '#a8570f', '#2f6f3a', '#6b4c9a', '#a32626', '#5d6b77'];

/** The picture as a whole SVG document. */
export function graphPicture(picture: GraphPicture): string {
  const { title, facts, nodes, links, directed, layout } = picture;
  const points =
    typeof layout === 'object' ? gridPoints(nodes, layout.columns) : circlePoints(picture);
  const size = Math.max(2.2, Math.min(9, 90 / Math.sqrt(nodes.length) / 2));
  const lines = distinct(links, directed).map(([from, to]) => {
    const [a, b] = [points[from] ?? centre, points[to] ?? centre];
    const isAround = typeof layout === 'object' && isWrapped(from, to, layout.columns);
    return isAround ? stubs(a, b) : line(a, b, size);
  });
  // Many lines together are as dark as few.
  const opacity = Math.max(0.06, Math.min(0.75, 90 / Math.max(1, lines.length)));
  const arrow = directed && lines.length <= arrowsMax ? ' marker-end="url(#to)"' : '';
  const dots = nodes.map(({ name, group }, index) => {
    const { x, y } = points[index] ?? centre;
    const colour = colours[group % colours.length] ?? '';
    return `<circle cx="${px(x)}" cy="${px(y)}" r="${px(size)}" fill="${colour}"><title>${escapeText(name)}</title></circle>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escapeText(`${title}: ${facts}`)}" font-family="Helvetica, Arial, sans-serif">`,
    '<defs><marker id="to" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" markerHeight="6" orient="auto"><path d="M0 0.8L7.5 4L0 7.2z" fill="#17222c"/></marker></defs>',
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    `<text x="24" y="36" font-size="19" font-weight="700" fill="#17222c">${escapeText(title)}</text>`,
    `<text x="24" y="58" font-size="13" fill="#5d6b77">${escapeText(facts)}</text>`,
    `<g stroke="#17222c" stroke-width="1.1" stroke-opacity="${px(opacity)}" fill="none"${arrow}>${lines.join('')}</g>`,
    ...dots,
    ...(nodes.length <= namesMax ? names(nodes, points, size) : []),
    '</svg>\n',
  ].join('\n');
}

/** Nodes of a group beside each other. */
function circlePoints({ nodes, layout }: GraphPicture): Point[] {
  const order = nodes
    .map((node, index) => ({ index, group: node.group }))
    .filter(({ index }) => layout !== 'hub' || index > 0)
    .sort((a, b) => a.group - b.group || a.index - b.index);
  const points: Point[] = nodes.map(() => centre);
  order.forEach(({ index }, place) => {
    const angle = (2 * Math.PI * place) / order.length - Math.PI / 2;
    points[index] = {
      x: centre.x + radius * Math.cos(angle),
      y: centre.y + radius * Math.sin(angle),
    };
  });
  return points;
}

function gridPoints(nodes: readonly unknown[], columns: number): Point[] {
  const rows = Math.ceil(nodes.length / columns);
  const cell = (2 * radius) / Math.max(rows, columns);
  return nodes.map((_, index) => ({
    x: centre.x + ((index % columns) - (columns - 1) / 2) * cell,
    y: centre.y + (Math.floor(index / columns) - (rows - 1) / 2) * cell,
  }));
}

function isWrapped(a: number, b: number, columns: number): boolean {
  const acrossColumns = Math.abs((a % columns) - (b % columns)) > 1;
  return acrossColumns || Math.abs(Math.floor(a / columns) - Math.floor(b / columns)) > 1;
}

/** From the rim of one node to that of the other, so that an arrow is seen. */
function line(a: Point, b: Point, size: number): string {
  const length = Math.hypot(b.x - a.x, b.y - a.y);
  const [dx, dy] = [((b.x - a.x) / length) * size, ((b.y - a.y) / length) * size];
  return `<path d="M${px(a.x + dx)} ${px(a.y + dy)}L${px(b.x - dx)} ${px(b.y - dy)}"/>`;
}

/** An edge that leaves the grid on one side and comes back on the other. */
function stubs(a: Point, b: Point): string {
  const length = Math.hypot(b.x - a.x, b.y - a.y);
  const [dx, dy] = [((b.x - a.x) / length) * 22, ((b.y - a.y) / length) * 22];
  return `<path d="M${px(a.x)} ${px(a.y)}L${px(a.x - dx)} ${px(a.y - dy)}M${px(b.x)} ${px(b.y)}L${px(b.x + dx)} ${px(b.y + dy)}"/>`;
}

/** Outside the circle, or beside the node of a grid. */
function names(nodes: GraphPicture['nodes'], points: readonly Point[], size: number): string[] {
  return nodes.map(({ name }, index) => {
    const { x, y } = points[index] ?? centre;
    const away = Math.hypot(x - centre.x, y - centre.y);
    const isOnCircle = Math.abs(away - radius) < 1;
    const [dx, dy] = isOnCircle
      ? [((x - centre.x) / away) * (size + 11), ((y - centre.y) / away) * (size + 11)]
      : [size + 7, -size - 4];
    return `<text x="${px(x + dx)}" y="${px(y + dy + 4)}" font-size="11" fill="#17222c" text-anchor="middle">${escapeText(name)}</text>`;
  });
}

/** Without nodes themselves, and an undirected edge once. */
function distinct(links: GraphPicture['links'], directed: boolean): (readonly [number, number])[] {
  const seen = new Set<string>();
  return links.filter(([from, to]) => {
    const key = directed || from < to ? `${from} ${to}` : `${to} ${from}`;
    if (from === to || seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}
