/** A phantom as the files that a hospital's own folder holds (docs/specs/own-cases.md): to try the way of real cases without one. */
import {
  encodeMarkups,
  encodeNifti,
  tasks,
  type PointName,
  type TaskId,
  type Vector3,
} from '../../data/index.ts';
import type { MadePhantom } from './phantom-hospital.ts';

/** Files by name of the case's folder. @param heart whether the heart's true segmentation is among them */
export function phantomFiles(
  { image, truth, annotation, labelled }: MadePhantom,
  heart: boolean,
): Map<string, Uint8Array> {
  const { shape, affine } = image;
  const hu = Int16Array.from(image.data, (value) => Math.round(value));
  const files = new Map([['ct.nii.gz', encodeNifti({ shape, affine, data: hu })]]);
  for (const task of labelled) {
    if (tasks[task].kind === 'segmentation') {
      files.set(`${task}.nii.gz`, encodeNifti({ shape, affine, data: annotation.calcium }));
      continue;
    }
    const marks = marksOf(task, annotation.points);
    // A list without a point would be refused: nobody found any.
    if (marks.length > 0) files.set(`${task}.mrk.json`, encodeMarkups(marks));
  }
  if (heart) files.set('heart.nii.gz', encodeNifti({ shape, affine, data: truth.heart }));
  return files;
}

function marksOf(
  task: TaskId,
  points: MadePhantom['annotation']['points'],
): { readonly label: string; readonly position: Vector3 }[] {
  return tasks[task].labels.flatMap((label) => {
    const position = points[label as PointName];
    return position === null ? [] : [{ label, position }];
  });
}
