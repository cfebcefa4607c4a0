/** An exported student on phantoms with what training may leave out: is it found right, or flagged? */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf } from '../../src/base/index.ts';
import { kinds, type Kind } from './kinds.ts';
import { pointsOfPrediction } from './scores.ts';
import { askStudent, readStudent, trialText, type Trial, type TriedStudent } from './student.ts';
import { rightMm, tallyImage, tallyKind, tallyTable, type ImageTally, type KindTally } from './tally.ts'; // prettier-ignore

const help = `An exported student on phantoms with what training may leave out.

node bench/real/left-out.ts --student FOLDER [flags]

  --student FOLDER   model/ of a run, or the run's folder
  --seeds N          patients of each kind (default 8)
  --seed TEXT        of the patients (default left-out)
  --field heart|chest  how much rare findings are shown of: 168 x 180 x 192 or 300 x 300 x 372 mm (default heart)
  --only TEXT        kinds whose name contains it; repeatable
  --out FOLDER       writes left-out.md and left-out.json there
  --format text|json
  --list             the names of the kinds
`;

const options = {
  student: { type: 'string' },
  seeds: { type: 'string', default: '8' },
  seed: { type: 'string', default: 'left-out' },
  field: { type: 'string', default: 'heart' },
  only: { type: 'string', multiple: true },
  out: { type: 'string' },
  format: { type: 'string', default: 'text' },
  list: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;
type Flags = ReturnType<typeof parseArgs<{ options: typeof options }>>['values'];

const patientsMax = 1000;

interface LeftOutResult {
  readonly trial: Trial;
  readonly seed: string;
  readonly field: string;
  readonly rightMm: number;
  readonly kinds: readonly KindTally[];
}

function readFlags(): Flags {
  const { values } = parseArgs({ options });
  if (values.help || values.list) {
    process.stdout.write(values.help ? help : `${kinds.map(({ name }) => name).join('\n')}\n`);
    process.exit(0);
  }
  if (values.student === undefined) throw new Error('--student: expected the folder of a student');
  const seeds = Number(values.seeds);
  if (!(Number.isInteger(seeds) && seeds >= 1 && seeds <= patientsMax)) {
    throw new Error(
      `--seeds: expected a whole number from 1 to ${patientsMax}, got ${values.seeds}`,
    );
  }
  if (!['heart', 'chest'].includes(values.field)) {
    throw new Error(`--field: expected heart or chest, got ${values.field}`);
  }
  if (!['text', 'json'].includes(values.format)) {
    throw new Error(`--format: expected text or json, got ${values.format}`);
  }
  return values;
}

function chosenKinds(only: Flags['only']): readonly Kind[] {
  if (only === undefined) return kinds;
  const chosen = kinds.filter(({ name }) => only.some((text) => name.includes(text)));
  if (chosen.length > 0) return chosen;
  throw new Error(`--only: expected a part of a name (--list has them), got ${only.join(', ')}`);
}

async function measureKind(
  tried: TriedStudent,
  { name, make }: Kind,
  { seed, seeds, field }: Flags,
): Promise<KindTally> {
  const images: ImageTally[] = [];
  for (let n = 0; n < Number(seeds); n++) {
    const { image, truth } = make(seed, n, field === 'chest' ? 'chest' : 'heart');
    const prediction = await askStudent(tried, image);
    const { reasons } = prediction.plausibility;
    const judged = { geometry: image, truth, found: pointsOfPrediction(prediction), reasons };
    const tally = tallyImage(judged, tried.sought);
    images.push(tally);
    process.stderr.write(`${name}, ${n + 1} of ${seeds}: ${imageText(tally)}\n`);
  }
  return tallyKind(name, images);
}

function imageText({ there, found, errorsMm, isWrong, isFlagged, codes }: ImageTally): string {
  const worst = errorsMm.length === 0 ? '' : `, worst ${Math.max(...errorsMm).toFixed(1)} mm`;
  const flag = isFlagged ? `flagged (${codes.join(', ')})` : 'not flagged';
  return `${found} of ${there} points${worst}, ${isWrong && !isFlagged ? 'WRONG AND ' : ''}${flag}`;
}

function reportOf({ trial, seed, field, kinds: tallies }: LeftOutResult): string {
  const sum = (of: (tally: KindTally) => number): number =>
    tallies.reduce((total, tally) => total + of(tally), 0);
  return [
    '# A student on what training leaves out',
    trialText(trial),
    `Phantoms of chests (seed ${seed}, rare findings in the field of a ${field}), the same patients in each kind. An image was found right when all its points were found within ${rightMm} mm. It is wrong when a point was given that is ${rightMm} mm or more off, or of a root that is not there. Flagged is whatever is called implausible. Errors are those of points that were given.`,
    tallyTable(tallies),
    `Wrong and not flagged: ${sum((tally) => tally.wrongUnflagged)} of ${sum((tally) => tally.images)} images (must be 0).`,
    '',
  ].join('\n\n');
}

try {
  const flags = readFlags();
  const chosen = chosenKinds(flags.only);
  const tried = readStudent(flags.student ?? '');
  const tallies: KindTally[] = [];
  for (const kind of chosen) tallies.push(await measureKind(tried, kind, flags));
  const result: LeftOutResult = {
    trial: tried.trial,
    seed: flags.seed,
    field: flags.field,
    rightMm,
    kinds: tallies,
  };
  const report = reportOf(result);
  const json = `${JSON.stringify(result, null, 2)}\n`;
  process.stdout.write(flags.format === 'json' ? json : report);
  if (flags.out !== undefined) {
    mkdirSync(flags.out, { recursive: true });
    writeFileSync(join(flags.out, 'left-out.md'), report);
    writeFileSync(join(flags.out, 'left-out.json'), json);
  }
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = 2;
}
