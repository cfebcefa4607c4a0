/**
 * How fast a gossip step mixes a model with four neighbours' models, beside numpy in the same run.
 * `node bench/gossip/mixing.ts [NUMBERS]`: a million unless told otherwise. Each side runs three times in turns, and its best step
 * counts, since a busy neighbour only ever slows one down.
 */
import { spawnSync } from 'node:child_process';
import { cpus, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { mixInto } from '../../src/gossip/index.ts';

const count = Number(process.argv[2] ?? 1_000_000);
const repeats = 41;
const weights = [0.2, 0.15, 0.25, 0.3, 0.1];
const vectors = weights.map((_, i) =>
  Float32Array.from({ length: count }, (__, at) => ((at * (17 + i)) % 1009) / 1009),
);
const terms = weights.map((weight, i) => ({ weight, values: vectors[i] as Float32Array }));
const out = new Float32Array(count);

const best = new Map<string, number>();
for (let turn = 0; turn < 3; turn++) {
  keep('ours', ourNanoseconds());
  for (const [name, nanoseconds, first] of numpyAnswers()) {
    keep(`numpy, ${name}`, nanoseconds);
    if (Math.abs(first - (out[0] ?? 0)) > 1e-6) throw new Error('the two give different results');
  }
}

const load = loadavg()[0]?.toFixed(1) ?? '';
console.log(`${cpus()[0]?.model ?? ''}, one thread, load ${load}, Node ${process.version}`);
console.log(`${count} float32 numbers, own and four neighbours; ns a number, models read in GB/s`);
const ours = best.get('ours') ?? NaN;
for (const [name, nanoseconds] of best) {
  const speed = (nanoseconds / ours).toFixed(2);
  const rate = (20 / nanoseconds).toFixed(1);
  console.log(
    `${name.padEnd(22)}${nanoseconds.toFixed(2).padStart(7)}${rate.padStart(7)}   ours is ${speed} times as fast`,
  );
}

function keep(name: string, nanoseconds: number): void {
  best.set(name, Math.min(best.get(name) ?? Infinity, nanoseconds));
}

/** Of the best step. */
function ourNanoseconds(): number {
  const times = Array.from({ length: repeats + 5 }, () => {
    const began = performance.now();
    mixInto(out, terms);
    return performance.now() - began;
  }).slice(5);
  return (Math.min(...times) * 1e6) / count;
}

function numpyAnswers(): (readonly [name: string, nanoseconds: number, first: number])[] {
  const script = fileURLToPath(new URL('numpy_mixing.py', import.meta.url));
  const python = process.env.PYTHON ?? '/usr/bin/python3';
  const env = { ...process.env, OPENBLAS_NUM_THREADS: '1', OMP_NUM_THREADS: '1' };
  const args = ['-B', script, String(count), String(repeats)];
  const done = spawnSync(python, args, { encoding: 'utf8', env });
  if (done.status !== 0) throw new Error(`this needs ${python} with python3-numpy: ${done.stderr}`);
  return done.stdout
    .trim()
    .split('\n')
    .map((line) => line.split('\t'))
    .map(([name, nanoseconds, first]) => [name ?? '', Number(nanoseconds), Number(first)] as const);
}
