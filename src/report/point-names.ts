/** Where the names of points stand on a picture: beside their points, and not on one another. */

/** A point to name, in units of the drawing. */
export interface PointToName {
  readonly x: number;
  readonly y: number;
  readonly label: string;
}

/** A name's place: `x`, `y` is the left end of its base line. */
export interface PlacedName extends PointToName {
  readonly textX: number;
  readonly textY: number;
  /** Whether it stands so far off that a line should lead to its point. */
  readonly isFar: boolean;
}

/** What names have to stay within and clear of. */
export interface NameRoom {
  readonly width: number;
  readonly height: number;
  readonly fontSize: number;
  /** Half the size of a point's mark. */
  readonly markRadius: number;
  /** Marks of all points, named or not. */
  readonly marks: readonly { readonly x: number; readonly y: number }[];
}

interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** Of a letter over the height of its font: wide enough for capitals. */
const letterWidth = 0.68;
const directionCount = 12;
/** Distances from a point to its name, in heights of the font; the nearest that is free wins. */
const distances = [0.9, 1.8, 2.9, 4.2, 6] as const;

/** Places for all names, in their order. */
export function placeNames(points: readonly PointToName[], room: NameRoom): PlacedName[] {
  const { fontSize, markRadius } = room;
  const marks = room.marks.map(({ x, y }) => ({
    left: x - markRadius,
    top: y - markRadius,
    right: x + markRadius,
    bottom: y + markRadius,
  }));
  const taken: Box[] = [];
  return points.map((point): PlacedName => {
    const width = point.label.length * fontSize * letterWidth;
    let best = { cost: Infinity, box: boxAt(point, 0, 0, width, fontSize), isFar: false };
    distances.forEach((distance, ring) => {
      for (let n = 0; n < directionCount; n++) {
        // From the upper right, where names usually stand, all round.
        const angle = -Math.PI / 5 + (n * 2 * Math.PI) / directionCount;
        const box = boxAt(point, angle, distance * fontSize, width, fontSize);
        const cost =
          1000 * outside(box, room) +
          10 * sum(taken, box) +
          8 * sum(marks, box) +
          ring * fontSize * 0.3 +
          n * fontSize * 0.001;
        if (cost < best.cost) best = { cost, box, isFar: ring > 0 };
      }
    });
    taken.push(best.box);
    const { left, bottom } = best.box;
    return { ...point, textX: left, textY: bottom - 0.22 * fontSize, isFar: best.isFar };
  });
}

/** The box of a name whose nearest edge is `distance` off the point. */
function boxAt(
  { x, y }: PointToName,
  angle: number,
  distance: number,
  width: number,
  height: number,
): Box {
  const [dx, dy] = [Math.cos(angle), Math.sin(angle)];
  const centreX = x + dx * (distance + width / 2);
  const centreY = y + dy * (distance + height / 2);
  return {
    left: centreX - width / 2,
    top: centreY - height / 2,
    right: centreX + width / 2,
    bottom: centreY + height / 2,
  };
}

function sum(boxes: readonly Box[], box: Box): number {
  return boxes.reduce((area, other) => area + overlap(other, box), 0);
}

function overlap(a: Box, b: Box): number {
  const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  return width > 0 && height > 0 ? width * height : 0;
}

/** How far a box reaches out of the picture. */
function outside(box: Box, { width, height }: NameRoom): number {
  return (
    Math.max(0, -box.left) +
    Math.max(0, -box.top) +
    Math.max(0, box.right - width) +
    Math.max(0, box.bottom - height)
  );
}
