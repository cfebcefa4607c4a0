/** Whether the tissue at an answer can be what the answer says: blood around the points, calcium that is dense. */
import { pointNames } from '../tasks.ts';
import { percentiles } from '../volume/intensity.ts';
import { visitSphere } from '../volume/spheres.ts';
import { addVectors, scaleVector, type Vector3 } from '../volume/vector.ts';
import type { Volume } from '../volume/volume.ts';
import { airHuMax, calciumHuMin, calciumMlMax, contrastHu } from './anatomy.ts';
import type { RootPoints } from './root.ts';
import type { Finding } from './verdict.ts';

/** Points lie on the wall: blood is within this distance, mm. */
const besideMm = 6;
/** In the middle of the annulus all of it is blood, mm. */
const middleMm = 5;
/** Share of what lies beside a point that is blood at least, percent. */
const bloodShare = 25;

/** Everything in `image` that speaks against blood with contrast beside the points and in the middle of the annulus. */
export function bloodFindings(points: RootPoints, image: Volume): Finding[] {
  const because = (code: string, text: string): Finding => ({ about: 'points', code, text });
  const findings = pointNames.flatMap((name): Finding[] => {
    const at = points[name];
    if (at === undefined) return [];
    const [bright, mean] = summaryOf(image, at, besideMm, 100 - bloodShare);
    if (bright === null) return [because('outside', `${name} lies outside of the image`)];
    if (mean < airHuMax) return [because('in_air', `${name} lies in air or lung (${hu(mean)})`)];
    if (bright >= contrastHu.low) return [];
    const text = `there is no blood with contrast beside ${name}: of what is within ${besideMm} mm a quarter has ${hu(bright)} or more, expected ${contrastHu.low} at least`;
    return [because('no_blood', text)];
  });
  const { RCC, LCC, NCC } = points;
  if (RCC === undefined || LCC === undefined || NCC === undefined) return findings;
  const middle = scaleVector(addVectors(addVectors(RCC, LCC), NCC), 1 / 3);
  const [blood] = summaryOf(image, middle, middleMm, 50);
  const { low, high } = contrastHu;
  if (blood !== null && !(blood >= low && blood <= high)) {
    const text = `the middle of the annulus has ${hu(blood)}, expected blood with contrast, ${low} to ${high}`;
    findings.push(because('no_blood', text));
  }
  return findings;
}

/** Everything that speaks against `mask`, of `ml` in all, being the calcium of an aortic valve; on the image's grid. */
export function calciumFindings(mask: Uint8Array, ml: number, image: Volume): Finding[] {
  const because = (code: string, text: string): Finding => ({ about: 'calcium', code, text });
  const findings: Finding[] = [];
  if (ml > calciumMlMax) {
    const text = `there are ${ml.toFixed(2)} ml of calcium, and a valve has ${calciumMlMax} at most`;
    findings.push(because('calcium_much', text));
  }
  let [count, sum] = [0, 0];
  mask.forEach((value, voxel) => {
    if (value === 0) return;
    count += 1;
    sum += image.data[voxel] ?? 0;
  });
  if (count > 0 && sum / count < calciumHuMin) {
    const text = `what is called calcium has ${hu(sum / count)} on average, expected ${calciumHuMin} at least`;
    findings.push(because('calcium_soft', text));
  }
  return findings;
}

/** A percentile and the mean of what lies within `radiusMm`; null and NaN outside of the image. */
function summaryOf(
  image: Volume,
  at: Vector3,
  radiusMm: number,
  percent: number,
): [number | null, number] {
  const values: number[] = [];
  visitSphere(image, at, radiusMm, (index) => values.push(image.data[index] ?? 0));
  if (values.length === 0) return [null, NaN];
  const [value = NaN] = percentiles(Float32Array.from(values), [percent]);
  return [value, values.reduce((sum, one) => sum + one, 0) / values.length];
}

function hu(value: number): string {
  return `${value.toFixed(0)} HU`;
}
