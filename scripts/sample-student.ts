/**
 * Makes the student that comes along, `config/sample/student`: trains the preset `chests`, and puts the model, the record of the
 * run and one member's log there. Started again it goes on where it was stopped. `npm run build && npm run sample-student`
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const run = join(root, 'runs', 'sample-student');
const sample = join(root, 'config', 'sample', 'student');

/** What is handed out of a run, and where it lies there. */
const parts = {
  'record.json': 'record.json',
  model: 'model',
  // A log is checked under its member's name.
  [join('L1', 'log')]: join('nodes', 'L1', 'log'),
};

if (!existsSync(join(run, 'record.json'))) {
  const what = existsSync(join(run, 'run.json')) ? ['--resume', run] : ['chests', '--out', run];
  const program = [join(root, 'bin', 'annulus.js'), 'simulate', ...what];
  const { status } = spawnSync(process.execPath, program, { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
rmSync(sample, { recursive: true, force: true });
for (const [name, part] of Object.entries(parts)) {
  cpSync(join(run, part), join(sample, name), {
    recursive: true,
    // Where files lie until they are whole.
    filter: (from) => !from.endsWith('.tmp'),
  });
}
console.log(`${sample}: made from ${run}`);
