/** An exported student on a real CT: where its points lie beside a machine's masks, and whether they stay there in twenty guises. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf, seededRandom } from '../../src/base/index.ts';
import {
  decodeMarkups,
  decodeNifti,
  labelsOn,
  plausibilityText,
  readCt,
  type PointName,
  type Vector3,
  type Volume,
} from '../../src/data/index.ts';
import { machineReference, type LabelledCt, type MachineReference } from './masks.ts';
import { realReport, type RealResult } from './report.ts';
import {
  broughtBack,
  heartScores,
  middleOfPoints,
  placeScore,
  pointsOfPrediction,
  stabilityOf,
  type VariedAnswer,
} from './scores.ts';
import { askStudent, readStudent, type TriedStudent } from './student.ts';
import { imageMiddle, variationsOf, type Variation } from './variations.ts';

const help = `An exported student on a real CT, and on twenty variations of it.

node bench/real/measure.ts --student FOLDER [flags]

  --student FOLDER   model/ of a run, or the run's folder
  --ct FILE          .nii or .nii.gz (default: the shared CT, with its labels and landmarks)
  --labels FILE      a machine's label map on the CT's grid; labels.json beside it says what its values mean
  --landmarks FILE   .mrk.json with aortic_annulus_centre and aortic_annulus_pseudo_hinge_1 to 3
  --seed TEXT        of the variations (default real)
  --no-variations    the CT itself only
  --out FOLDER       writes real.md and real.json there
  --format text|json
`;

const shared = join(import.meta.dirname, '..', '..', '..', 'shared', 'data', 'cardiac_ct');
const options = {
  student: { type: 'string' },
  ct: { type: 'string' },
  labels: { type: 'string' },
  landmarks: { type: 'string' },
  seed: { type: 'string', default: 'real' },
  'no-variations': { type: 'boolean', default: false },
  out: { type: 'string' },
  format: { type: 'string', default: 'text' },
  help: { type: 'boolean', default: false },
} as const;
type Flags = ReturnType<typeof parseArgs<{ options: typeof options }>>['values'];

/** What is measured on. */
interface RealCt {
  readonly name: string;
  readonly ct: Volume;
  readonly labelled: LabelledCt | null;
  readonly reference: MachineReference | null;
}

function readFlags(): Flags {
  const { values } = parseArgs({ options });
  if (values.help) {
    process.stdout.write(help);
    process.exit(0);
  }
  if (values.student === undefined) throw new Error('--student: expected the folder of a student');
  if (!['text', 'json'].includes(values.format)) {
    throw new Error(`--format: expected text or json, got ${values.format}`);
  }
  if (values.ct === undefined && (values.labels ?? values.landmarks) !== undefined) {
    throw new Error('--labels, --landmarks: expected --ct too, the CT that they belong to');
  }
  return values;
}

function readReal({ ct: given, labels, landmarks }: Flags): RealCt {
  const files =
    given === undefined
      ? {
          ct: join(shared, 'cardiac_ct_1.5mm.nii.gz'),
          labels: join(shared, 'cardiac_labels_1.5mm.nii.gz'),
          landmarks: join(shared, 'landmarks.mrk.json'),
        }
      : { ct: given, labels, landmarks };
  const ct = readCt(readFileSync(files.ct)).volume;
  const labelled = files.labels === undefined ? null : readLabelled(files.labels, ct);
  const marks = files.landmarks === undefined ? [] : decodeMarkups(readFileSync(files.landmarks));
  return {
    name: given === undefined ? 'the shared CT' : 'the CT given',
    ...{ ct, labelled },
    reference: labelled === null ? null : machineReference(labelled, marks),
  };
}

function readLabelled(file: string, ct: Volume): LabelledCt {
  const names = JSON.parse(readFileSync(join(dirname(file), 'labels.json'), 'utf8')) as Readonly<
    Record<string, string>
  >;
  const values = new Map(Object.entries(names).map(([value, name]) => [name, Number(value)]));
  return {
    geometry: ct,
    labels: labelsOn(decodeNifti(readFileSync(file)).volume, ct, 255),
    values,
  };
}

/** Asks the student about the CT and each variation; progress goes to standard error. */
async function measure(tried: TriedStudent, real: RealCt, flags: Flags): Promise<RealResult> {
  const { ct, labelled, reference, name } = real;
  const { sought } = tried;
  const say = (text: string): void => void process.stderr.write(`${text}\n`);
  const first = await askStudent(tried, ct);
  const unvaried = pointsOfPrediction(first);
  say(`the CT itself: ${Object.keys(unvaried).length} of ${sought.length} points`);
  const result = {
    ...{ trial: tried.trial, ct: name, seed: flags.seed },
    points: unvaried,
    reference: reference === null ? null : aboutReference(reference),
    place: reference === null ? null : placeScore(unvaried, reference, sought),
    heart:
      labelled === null || first.heart === undefined ? null : heartScores(first.heart, labelled),
    probability: first.probability,
    verdict: plausibilityText(first.plausibility),
  };
  if (flags['no-variations']) return { ...result, sought, varied: [], stability: null };
  const middle = middleOfPoints(unvaried) ?? imageMiddle(ct);
  const variations = variationsOf(
    ct,
    { heart: reference?.heartMiddle ?? middle, root: reference?.annulus.centre ?? middle },
    seededRandom(flags.seed),
  );
  const varied: VariedAnswer[] = [];
  for (const variation of variations) {
    const answer = await answerTo(tried, ct, variation);
    varied.push(answer);
    say(
      `${varied.length} of ${variations.length}  ${progressText(answer, unvaried, sought, { variation })}`,
    );
  }
  return { ...result, sought, varied, stability: stabilityOf(unvaried, varied, reference, sought) };
}

function aboutReference(reference: MachineReference): RealResult['reference'] {
  const { annulus, hasHinges, landmarkOffMm } = reference;
  return { centre: annulus.centre, normal: annulus.normal, hasHinges, landmarkOffMm };
}

async function answerTo(
  tried: TriedStudent,
  ct: Volume,
  variation: Variation,
): Promise<VariedAnswer> {
  const prediction = await askStudent(tried, variation.make(ct));
  return {
    variation: { kind: variation.kind, title: variation.title },
    points: broughtBack(pointsOfPrediction(prediction), variation),
    verdict: prediction.plausibility.verdict,
  };
}

function progressText(
  { points, verdict }: VariedAnswer,
  unvaried: Readonly<Partial<Record<PointName, Vector3>>>,
  sought: readonly PointName[],
  { variation }: { readonly variation: Variation },
): string {
  const strayed = sought.flatMap((name) => {
    const [here, there] = [points[name], unvaried[name]];
    return here === undefined || there === undefined
      ? []
      : [Math.hypot(here[0] - there[0], here[1] - there[1], here[2] - there[2])];
  });
  const most =
    strayed.length === 0 ? '' : `, the farthest strayed ${Math.max(...strayed).toFixed(1)} mm`;
  const found = `${Object.keys(points).length} of ${sought.length} points`;
  return `${variation.title}: ${found}${most}, ${verdict}`;
}

try {
  const flags = readFlags();
  const result = await measure(readStudent(flags.student ?? ''), readReal(flags), flags);
  const report = realReport(result);
  const json = `${JSON.stringify(result, null, 2)}\n`;
  process.stdout.write(flags.format === 'json' ? json : report);
  if (flags.out !== undefined) {
    mkdirSync(flags.out, { recursive: true });
    writeFileSync(join(flags.out, 'real.md'), report);
    writeFileSync(join(flags.out, 'real.json'), json);
  }
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = 2;
}
