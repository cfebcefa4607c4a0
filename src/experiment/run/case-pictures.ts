/** Pictures of a hospital's own case, for the page on its own screen. */
import type { Case } from '../../data/index.ts';
import type { Mark } from '../../distill/index.ts';
import type { LookedAtCase } from '../../hospital/index.ts';
import type { CaseToShow } from '../../report/index.ts';
import { picturesOfScene } from './slice-planes.ts';

/** The slices through what experts marked; without pictures where the case could not be read. */
export function caseToShow({ name, problem, notes }: LookedAtCase, own: Case | null): CaseToShow {
  if (own === null) return { name, problem, notes, slices: [] };
  const marks = Object.entries(own.points ?? {}).flatMap(([label, at]): Mark[] =>
    at === null ? [] : [{ label, at, kind: 'truth' }],
  );
  const { calc: calcium } = own.labels;
  const slices = picturesOfScene({
    ...{ title: name, caption: '', image: own.image, marks },
    areas: calcium === undefined ? [] : [{ kind: 'truth', mask: calcium }],
  });
  return { name, problem, notes, slices };
}
