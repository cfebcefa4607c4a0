/** Whose CTs are among DICOM files: the export of a PACS may hold many patients and examinations. Nothing but headers is looked at. */
import { createHash } from 'node:crypto';
import { readInstance, type SeriesName } from './instance.ts';
import type { DicomFile } from './series.ts';

/** A study of a patient in which there is a CT, sound or not. */
export interface Examination {
  /** A digest of patient and study: the same for the same examination everywhere. */
  readonly id: string;
  /** A digest; empty where the files do not tell. */
  readonly patient: string;
  readonly files: readonly string[];
}

/** What files belong to. */
export interface Examinations {
  /** In the order of the names of their first files. */
  readonly examinations: readonly Examination[];
  /** Labels as DICOM, and files that do not tell their series; `id` is that of an examination, null where there is none of it. */
  readonly loose: readonly { readonly file: string; readonly id: string | null }[];
  /** Files of studies without a CT: other modalities. */
  readonly foreign: readonly string[];
  /** No DICOM images. */
  readonly others: readonly string[];
}

/** Reads the headers of all files, one at a time. Throws nothing for what a file holds. */
export async function listExaminations(files: readonly DicomFile[]): Promise<Examinations> {
  const known = new Map<string, { patient: string; files: string[]; hasCt: boolean }>();
  const loose: { readonly file: string; readonly id: string | null }[] = [];
  const others: string[] = [];
  for (const { name: file, read } of files) {
    const found = readInstance(file, await read());
    if (found.kind === 'localizer') continue;
    if (found.kind === 'other') others.push(file);
    else if (found.kind === 'segmentation') loose.push({ file, id: idOf(found.name) });
    else {
      const name = found.kind === 'image' ? found.instance.name : found.name;
      if (name === null) {
        loose.push({ file, id: null });
        continue;
      }
      const isLabel = found.kind === 'refused' && found.isLabel;
      if (isLabel) {
        loose.push({ file, id: idOf(name) });
        continue;
      }
      const id = idOf(name);
      const one = known.get(id) ?? { patient: name.patient, files: [], hasCt: false };
      known.set(id, one);
      one.files.push(file);
      one.hasCt ||= found.kind === 'image' || found.rule !== 'not_ct';
    }
  }
  const examinations = [...known].flatMap(([id, { patient, files: own, hasCt }]) =>
    hasCt ? [{ id, patient, files: own.sort() }] : [],
  );
  examinations.sort((a, b) => ((a.files[0] ?? '') < (b.files[0] ?? '') ? -1 : 1));
  const isThere = (id: string | null): boolean => examinations.some((one) => one.id === id);
  return {
    examinations,
    loose: loose.map(({ file, id }) => ({ file, id: isThere(id) ? id : null })),
    foreign: [...known.values()].flatMap((one) => (one.hasCt ? [] : one.files)),
    others,
  };
}

function idOf({ patient, studyInstanceUid }: SeriesName): string {
  return createHash('sha256')
    .update(`${patient}\n${studyInstanceUid ?? ''}`)
    .digest('hex');
}
