/**
 * Distances of many places at once. A call from one shape's function to another's puts each of its numbers on the heap; a loop
 * over places in typed arrays does not, and gives the same bits.
 */

/** Places are asked for in groups of this many at most. */
export const placesAtOnce = 64;

/** A group of places of a frame. */
export interface Places {
  readonly x: Float64Array;
  readonly y: Float64Array;
  readonly z: Float64Array;
  count: number;
}

/** Writes the distance of each place to `out`: to the last bit what `Distance` answers for it alone. */
export type ManyDistances = (places: Places, out: Float64Array) => void;

/** Approximate signed distance in mm of a point of the frame, negative inside. */
export interface Distance {
  (x: number, y: number, z: number): number;
  /** The same of many places; it belongs to the function, so that a shape with another distance never keeps it. */
  readonly many?: ManyDistances;
}

/** Room for a group of places. */
export function roomForPlaces(): Places {
  const axis = (): Float64Array => new Float64Array(placesAtOnce);
  return { x: axis(), y: axis(), z: axis(), count: 0 };
}

/** A distance with its way to answer for many places. */
export function withMany(distance: Distance, many: ManyDistances): Distance {
  return Object.assign(distance, { many });
}

/** Asks for the distances of a group of places. */
export function distancesAt(distance: Distance, places: Places, out: Float64Array): void {
  if (distance.many !== undefined) {
    distance.many(places, out);
    return;
  }
  const { x, y, z, count } = places;
  for (let n = 0; n < count; n++) out[n] = distance(x[n] ?? 0, y[n] ?? 0, z[n] ?? 0);
}
