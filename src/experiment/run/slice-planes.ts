/** Slices as the report keeps them: with words, and bytes as text. */
import { base64 } from '../../base/index.ts';
import { slicesOf, type Scene } from '../../distill/index.ts';
import type { SlicePicture } from '../../report/index.ts';

/** A scene with words for people. */
export interface TitledScene extends Scene {
  readonly title: string;
  readonly caption: string;
}

/** The axial and the coronal slice through the middle of the marks. */
export function picturesOfScene({ title, caption, ...scene }: TitledScene): SlicePicture[] {
  return slicesOf(scene).map(({ plane, gray, areas, ...slice }) => ({
    ...{ title: `${title}, ${plane}`, caption, ...slice },
    gray: base64(gray),
    areas: areas.map(({ kind, mask }) => ({ kind, mask: base64(mask) })),
  }));
}
