/** Pictures of a hospital's own case, for its own screen. */
import type { Mark } from '../../distill/index.ts';
import type { SiteCase } from '../../data/index.ts';
import type { SlicePicture } from '../../report/index.ts';
import { picturesOfScene } from './slice-planes.ts';

/** The slices through what experts marked, on the CT's own grid. */
export function picturesOfCase(
  title: string,
  { ct, points, calcium }: Pick<SiteCase, 'ct' | 'points' | 'calcium'>,
): SlicePicture[] {
  const marks = Object.entries(points).map(([label, at]): Mark => ({ label, at, kind: 'truth' }));
  return picturesOfScene({
    ...{ title, caption: '', image: ct, marks },
    areas: calcium === null ? [] : [{ kind: 'truth', mask: calcium }],
  });
}
