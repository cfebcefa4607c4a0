/** What a model found in a held-out case, beside what is known of it. */
import { pointsOf, taskIds, tasks } from '../../data/index.ts';
import type { PicturedCase } from '../job-args.ts';
import type { Mark, Scene } from './slice-planes.ts';

/** The case as a scene: known points and calcium, and those that were found. */
export function heldOutScene({ image, reference, maps }: Omit<PicturedCase, 'id'>): Scene {
  const predicted = taskIds.flatMap((task) => {
    const map = maps.get(task);
    const { labels, kind } = tasks[task];
    if (map === undefined || kind !== 'points') return [];
    return pointsOf(map, image, labels.length).flatMap((at, index): Mark[] =>
      at === null ? [] : [{ label: labels[index] ?? '', at, kind: 'predicted' }],
    );
  });
  const known = Object.entries(reference.points).flatMap(([label, at]): Mark[] =>
    at === null ? [] : [{ label, at, kind: 'truth' }],
  );
  const calcium = maps.get('calc');
  return {
    image,
    marks: [...known, ...predicted],
    areas: [
      ...(reference.calcium === null ? [] : [{ kind: 'truth' as const, mask: reference.calcium }]),
      ...(calcium === undefined ? [] : [{ kind: 'predicted' as const, mask: calcium }]),
    ],
  };
}
