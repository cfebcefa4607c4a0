/** The diagnosis of a machine as a person reads it. */
import type { Diagnosis, ExaminedBackend } from '../node/index.ts';

/** Ends with a line break. */
export function doctorText(diagnosis: Diagnosis): string {
  const { backends, chosen, warnings } = diagnosis;
  return [
    'This machine',
    ...machineRows(diagnosis),
    '',
    'What can compute, best first; one is enough',
    ...backends.flatMap(backendRows),
    '',
    'What kernels are made with',
    ...toolRows(diagnosis),
    ...speedRows(backends),
    '',
    ...warnings.map((warning) => `Warning: ${warning}.`),
    verdict(backends, chosen),
    '',
  ].join('\n');
}

function row(name: string, text: string): string {
  return `  ${name.padEnd(12)}${text}`;
}

function machineRows(diagnosis: Diagnosis): string[] {
  const { machine, memoryFreeBytes, diskFreeBytes, folder, openFilesMax } = diagnosis;
  const { processor, features, processorCount, memoryBytes, platform, node } = machine;
  const known = features === null ? '' : `, ${features.join(' ') || 'no SIMD that we know'}`;
  return [
    row('processor', `${processor}, ${processorCount} cores${known}`),
    row('memory', `${gib(memoryBytes)}, ${gib(memoryFreeBytes)} free`),
    row('disk', `${gib(diskFreeBytes)} free in ${folder}`),
    ...(openFilesMax === null ? [] : [row('open files', `${openFilesMax} at most`)]),
    row('Node', `${node}, ${platform}`),
  ];
}

function backendRows(backend: ExaminedBackend): string[] {
  const { name, title, available, detail, howToGet, failure } = backend;
  if (!available) {
    return [row(name, `missing: ${title} (${detail})`), row('', `to get it: ${howToGet}`)];
  }
  const state = failure === null ? 'there' : 'FAILS';
  return [
    row(name, `${state}: ${title} (${detail})`),
    ...(failure === null ? [] : [row('', failure)]),
  ];
}

function toolRows({ tools }: Diagnosis): string[] {
  const kernels = tools.kernels.map(
    ({ file, bytes }) => `${file} (${Math.round(bytes / 1024)} KiB)`,
  );
  return [
    row('built', kernels.join(', ') || 'nothing yet: npm run build'),
    row(
      'compiler',
      tools.compiler ?? 'no C++ compiler; optional, as g++ (Debian: apt install g++)',
    ),
  ];
}

function speedRows(backends: readonly ExaminedBackend[]): string[] {
  const rows = backends.flatMap(({ name, speed }) => {
    if (speed === null) return [];
    const { convGflops, stepMs, threads } = speed;
    const figures = [`${convGflops.toFixed(1)} GFLOP/s`, `${stepMs.toFixed(0)} ms`];
    const cells = figures.map((cell, i) => cell.padStart(i === 0 ? 16 : 20)).join('');
    return [row(name, `${cells}   on ${threads} thread${threads === 1 ? '' : 's'}`)];
  });
  return rows.length === 0
    ? []
    : ['', `How fast${' '.repeat(10)}convolution    a teacher's step`, ...rows];
}

function verdict(backends: readonly ExaminedBackend[], chosen: string | null): string {
  if (chosen !== null) return `Ready: training runs on ${chosen}, unless --backend says otherwise.`;
  const failing = backends.find(({ failure }) => failure !== null);
  return failing === undefined
    ? 'Not ready: nothing here can train. See "to get it" above.'
    : `Not ready: ${failing.name} is there and fails. Take another by --backend, or mend it.`;
}

function gib(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(bytes < 10 * 2 ** 30 ? 1 : 0)} GiB`;
}
