/** What was measured on a real CT, as a page of Markdown. */
import type { PointName, Vector3 } from '../../src/data/index.ts';
import { sides } from './places.ts';
import {
  wrongMm,
  type DiceScore,
  type FoundPoints,
  type PlaceScore,
  type Stability,
  type VariedAnswer,
} from './scores.ts';
import { trialText, type Trial } from './student.ts';
import { markdownTable, mmText } from './text.ts';

/** A student on one CT. */
export interface RealResult {
  readonly trial: Trial;
  /** Which CT, without its path. */
  readonly ct: string;
  /** Of the variations. */
  readonly seed: string;
  readonly sought: readonly PointName[];
  readonly points: FoundPoints;
  /** What the masks say; null without masks. */
  readonly reference: {
    readonly centre: Vector3;
    readonly normal: Vector3;
    readonly hasHinges: boolean;
    readonly landmarkOffMm: number | null;
  } | null;
  readonly place: PlaceScore | null;
  /** Null where the student has no head for the heart, or there are no masks. */
  readonly heart: readonly DiceScore[] | null;
  readonly probability: number | null;
  readonly verdict: string;
  readonly varied: readonly VariedAnswer[];
  readonly stability: Stability | null;
}

/** What a student must reach on the shared CT. */
const goals = { centreMm: 10, medianMm: 12, stableMm: 3 } as const;

const caution = `Masks and landmarks are a machine's: they prove place, not accuracy. Nobody has marked a hinge point, an ostium or a
septum in this CT. "Landmark" is a place on the mask's ring that faces the cusp, 120 degrees from the next, not a cusp's lowest
point. "Place" is the nearest place where such a point can be: for hinge points a third of a circle of 12.45 mm around the
annulus' centre in its plane, for ostia the mask's aortic wall over the cusp 7.3 to 26 mm up, for the septum the same circle between
RCC and NCC from 11 mm under to 9.1 mm over the annulus. 0 mm says that the point can be right, not that it is.`;

/** The page. */
export function realReport(result: RealResult): string {
  const { trial, ct, reference, place, heart, probability, verdict, stability } = result;
  return [
    `# A student on ${ct}`,
    trialText(trial),
    reference === null ? 'No masks were given: places cannot be judged.' : caution,
    `Verdict: ${verdict}.\n\nMean probability of the points sought: ${probability === null ? 'none' : probability.toFixed(2)}.`,
    ...(place === null ? [foundTable(result)] : [placeText(place, reference)]),
    ...(heart === null
      ? ['The heart: not compared (no head `heart`, or no masks).']
      : [heartText(heart)]),
    ...(stability === null ? [] : [stabilityText(result, stability)]),
    '',
  ].join('\n\n');
}

function placeText(
  { points, annulus, medianMm }: PlaceScore,
  reference: RealResult['reference'],
): string {
  const found = points.filter(({ at }) => at !== null);
  const right = points.filter((point) => point.isOnItsSide === true);
  const off = reference?.landmarkOffMm ?? null;
  const own =
    annulus === null
      ? 'none: not all hinge points were found'
      : `centre ${annulus.centreMm.toFixed(1)} mm from the mask's (goal ${goals.centreMm}), normal ${annulus.normalDeg.toFixed(0)}° from its, ${annulus.diameterMm.toFixed(1)} mm wide`;
  return [
    '## Where the points lie',
    markdownTable(
      [
        'point',
        'to its landmark, mm',
        'to its place, mm',
        "to the annulus' centre, mm",
        'on its side',
      ],
      points.map(({ name, at, markMm, placeMm, centreMm, isOnItsSide }) =>
        at === null
          ? [name, 'not found', '', '', '']
          : [name, mmText(markMm), mmText(placeMm), mmText(centreMm), isOnItsSide === true ? `yes, ${sides[name]}` : `NO, expected ${sides[name]}`],
      ), // prettier-ignore
    ),
    [
      `- Annulus through the hinge points: ${own}.`,
      `- Median of hinge points (landmark) and ostia (place): ${medianMm === null ? 'none, half or more were not found' : `${medianMm.toFixed(1)} mm`} (goal ${goals.medianMm}).`,
      `- Found ${found.length} of ${points.length}; on the right side ${right.length} of these.`,
      ...(off === null ? [] : [`- The landmark of the annulus' centre lies ${off.toFixed(2)} mm from its mask's middle.`]), // prettier-ignore
    ].join('\n'),
  ].join('\n\n');
}

function foundTable({ sought, points }: RealResult): string {
  const rows = sought.map((name) => {
    const at = points[name];
    return at === undefined
      ? [name, 'not found']
      : [name, at.map((mm) => mm.toFixed(1)).join(', ')];
  });
  return markdownTable(['point', 'RAS, mm'], rows);
}

function heartText(scores: readonly DiceScore[]): string {
  const rows = scores.map(({ structure, dice }) => [
    structure,
    dice === null ? '–' : dice.toFixed(3),
  ]);
  return ['## The heart beside the masks', markdownTable(['structure', 'Dice'], rows)].join('\n\n');
}

function stabilityText({ seed, varied }: RealResult, stability: Stability): string {
  const { points, centre, plausible, wrongUnflagged, count } = stability;
  const rows = [{ name: 'annulus centre', ...centre }, ...points].map(
    ({ name, medianMm, worstMm, missed, placeMedianMm }) => [
      name, mmText(medianMm), mmText(worstMm), `${missed} of ${count}`, mmText(placeMedianMm),
    ],
  ); // prettier-ignore
  const kinds = [...new Set(varied.map(({ variation }) => variation.kind))];
  const counts = kinds.map((kind) => {
    const own = varied.filter(({ variation }) => variation.kind === kind);
    return `${kind} ${own.filter(({ verdict }) => verdict === 'plausible').length} of ${own.length}`;
  });
  return [
    `## Over ${count} variations (seed ${seed})`,
    `Distances to the answer about the CT itself (goal: ${goals.stableMm} mm), and medians to the landmark (hinge points) or the place.`,
    markdownTable(['point', 'median, mm', 'worst, mm', 'not found', 'median to masks, mm'], rows),
    `Plausible ${plausible} of ${count}: ${counts.join(', ')}. Plausible with a point ${wrongMm} mm or more from its landmark or place: ${wrongUnflagged ?? '–'}.`,
  ].join('\n\n');
}
