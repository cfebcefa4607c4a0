/** What every painter of a chest is given, and the stroke that all of them use. */
import type { Random } from '../../../base/index.ts';
import type { PlacedFrame } from '../pose.ts';
import { label } from '../heart-values.ts';
import type { Shape } from '../shapes.ts';
import type { BlockCanvas } from './block-canvas.ts';
import type { Body } from './body.ts';
import type { ChestTissue } from './tissue.ts';

/** A chest under way. */
export interface Scene {
  readonly canvas: BlockCanvas;
  readonly frame: PlacedFrame;
  readonly body: Body;
  readonly tissue: ChestTissue;
  /** The patient's chance; each painter forks its own. */
  readonly random: Random;
}

/** Paints shapes over what is there and labels them; `null` leaves labels as they are. */
export function paintAll(
  { canvas, frame }: Scene,
  shapes: readonly Shape[],
  hu: number,
  value: number | null = label.none,
): void {
  const paint = value === null ? { hu } : { hu, label: value };
  for (const shape of shapes) canvas.paint(frame, shape, paint);
}
