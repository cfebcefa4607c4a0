/** What stands on a patient's page: slices of the root along its own annulus, and the measures. */
import { base64, utf8 } from '../base/index.ts';
import {
  toRas,
  type PointName,
  type RootMeasures,
  type Vector3,
  type Volume,
} from '../data/index.ts';
import {
  annulusSlices,
  slicesOf,
  type CtPrediction,
  type Mark,
  type Scene,
  type Slice,
} from '../distill/index.ts';
import { renderPatient, type SlicePicture } from '../report/index.ts';
import { measureGroups } from './measure-words.ts';

/** What the page is made of. */
export interface PatientPage {
  readonly prediction: CtPrediction;
  readonly points: Readonly<Partial<Record<PointName, Vector3>>>;
  readonly measured: RootMeasures;
  readonly ct: Volume;
  /** Begin of the digest of the model. */
  readonly model: string;
  readonly version: string;
}

/** `report.html`. Without an annulus the axial and the coronal slice through the points stand in its place. */
export function patientPage(page: PatientPage): Uint8Array {
  const { prediction, measured, model, version } = page;
  return utf8(
    renderPatient({
      reasons: prediction.plausibility.reasons.map(({ text }) => text),
      slices: picturesOf(page),
      groups: measureGroups(measured),
      found: prediction.points.map(({ label }) => label),
      missed: prediction.missed,
      ...{ model, version },
    }),
  );
}

function picturesOf({ prediction, points, measured, ct }: PatientPage): SlicePicture[] {
  const marks = prediction.points.map(({ label, position }): Mark => ({
    ...{ label, at: position, kind: 'predicted' },
  }));
  const mask = prediction.calcium;
  if (measured.annulus !== null) {
    const scene: Scene = {
      image: ct,
      marks,
      areas: mask === null ? [] : [{ kind: 'predicted', mask }],
    };
    return annulusSlices(scene, measured.annulus, points).map(({ title, caption, slice }) =>
      pictureOf(title, caption, slice),
    );
  }
  const turned = mask === null ? null : toRas({ ...ct, data: Float32Array.from(mask) }).data;
  const scene: Scene = {
    image: toRas(ct),
    marks,
    areas: turned === null ? [] : [{ kind: 'predicted', mask: Uint8Array.from(turned) }],
  };
  const caption =
    'through the points that were found; without three hinge points there is no annulus to cut along';
  return slicesOf(scene).map((slice) =>
    pictureOf(slice.plane === 'axial' ? 'Axial' : 'Coronal', caption, slice),
  );
}

function pictureOf(title: string, caption: string, slice: Slice): SlicePicture {
  const { width, height, pixelAspect, pixelMm, sides, gray, points, areas, lines } = slice;
  return {
    ...{ title, caption, width, height, pixelAspect, pixelMm, sides, points },
    gray: base64(gray),
    areas: areas.map(({ kind, mask }) => ({ kind, mask: base64(mask) })),
    ...(lines === undefined ? {} : { lines }),
  };
}
