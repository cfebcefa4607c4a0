/** A prediction as files for other programs, as lines for people and as data for scripts. */
import { utf8 } from '../base/index.ts';
import { encodeMarkups, encodeNifti, pointNames, type Volume } from '../data/index.ts';
import type { CtPrediction } from '../distill/index.ts';

/** Name of the map of calcium, as `cases` takes it: 1 calcium, 0 background. */
const calciumFile = 'calc.nii.gz';

/** The prediction as files that lie on the CT in 3D Slicer and nibabel; docs/specs/plausibility.md has `labels.json`. */
export function predictionFiles(prediction: CtPrediction, ct: Volume): Map<string, Uint8Array> {
  const { labels, heart, points, calcium, calciumMl, plausibility } = prediction;
  const encode = (data: Uint8Array): Uint8Array =>
    encodeNifti({ shape: ct.shape, affine: ct.affine, data }, { gzip: true });
  const sidecar = {
    plausibility,
    labels: Object.fromEntries(pointNames.map((name, index) => [String(index + 1), name])),
    ...(calcium === null ? {} : { calcium: { file: calciumFile, value: 1, ml: calciumMl } }),
  };
  return new Map([
    ['labels.nii.gz', encode(labels)],
    ['labels.json', utf8(`${JSON.stringify(sidecar, null, 2)}\n`)],
    ['points.mrk.json', encodeMarkups(points)],
    ...(calcium === null ? [] : [[calciumFile, encode(calcium)] as const]),
    ...(heart === undefined ? [] : [['heart.nii.gz', encode(heart)] as const]),
  ]);
}

/** Whether a heart can be so, and what was found, a line each. */
export function predictionLines(prediction: CtPrediction): string[] {
  const { points, missed, calciumMl, plausibility } = prediction;
  return [
    ...verdictLines(plausibility),
    ...points.map(
      ({ label, position }) =>
        `${label.padEnd(4)} ${position.map((mm) => mm.toFixed(1)).join(' ')} mm RAS`,
    ),
    ...missed.map((label) => `${label.padEnd(4)} not found`),
    ...(calciumMl === null ? [] : [`calcium ${calciumMl.toFixed(2)} ml`]),
  ];
}

/** `plausible`, or `IMPLAUSIBLE because` with a line for each reason. */
export function verdictLines({ verdict, reasons }: CtPrediction['plausibility']): string[] {
  if (verdict === 'plausible')
    return ['plausible: a heart can be so, which does not make it right'];
  return ['IMPLAUSIBLE because', ...reasons.map(({ text }) => `  - ${text}`)];
}

/** The prediction as one JSON document, without its maps. */
export function predictionDocument(prediction: CtPrediction): Readonly<Record<string, unknown>> {
  const { points, missed, calciumMl, plausibility } = prediction;
  return { plausibility, points, missed, calciumMl };
}
