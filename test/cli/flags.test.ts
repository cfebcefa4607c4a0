/**
 * Every flag of every command, from the declarations: one that cannot apply is refused and not passed over. A new flag
 * fails here until it is said where it applies.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command, Option } from 'commander';
import { expect } from 'chai';
import { seededRandom } from '../../src/base/index.ts';
import { flagOf, takesOneValue } from '../../src/cli/given-flags.ts';
import { buildProgram, runCommandLine } from '../../src/cli/program.ts';
import { loadPredict } from '../../src/cli/wiring.ts';
import type { World } from '../../src/cli/world.ts';
import { loadArchitecture, loadPreset, modelSpecFor } from '../../src/config/index.ts';
import { encodeNifti, rasAffine } from '../../src/data/index.ts';
import { encodeStudent, intensityDefaults } from '../../src/distill/index.ts';
import { digestOf } from '../../src/crypto/index.ts';
import { diskStore } from '../../src/host/index.ts';
import { beginRun } from '../../src/experiment/run/run-file.ts';
import { initialWeights } from '../../src/models/index.ts';
import { encodeSafetensors } from '../../src/weights/index.ts';
import { syntheticRecord } from '../report/synthetic-record.ts';
import { tinySize, tinySpec, tinyWeights } from '../distill/training-cases.ts';
import { projectRoot } from '../project-root.ts';

const folder = mkdtempSync(join(tmpdir(), 'annulus-flags-'));
const at = (name: string): string => join(folder, name);

function worldOf(said: { out: string; err: string }): World {
  return {
    out: (text) => (said.out += text),
    err: (text) => (said.err += text),
    erase: () => undefined,
    ...{ dateMs: () => 0, env: {}, terminal: null },
    ...{ isLive: false, columns: 100, nowMs: () => 0, signal: new AbortController().signal },
    mainJob: () => Promise.resolve(() => Promise.resolve(syntheticRecord())),
    reproduce: () => Promise.reject(new Error('not asked')),
    predict: loadPredict,
  };
}

async function typed(args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const said = { out: '', err: '' };
  const code = await runCommandLine(args, worldOf(said));
  return { code, ...said };
}

/** Words of a command, and what it declares. */
interface Declared {
  readonly words: readonly string[];
  readonly command: Command;
}

function commandsBelow(command: Command, words: readonly string[] = []): Declared[] {
  return command.commands.flatMap((child) => {
    const own = [...words, child.name()];
    // `doctor` does something by itself, and has a command of its own.
    const isGroup = child.commands.length > 0 && child.options.length === 0;
    return [...(isGroup ? [] : [{ words: own, command: child }]), ...commandsBelow(child, own)];
  });
}

/** The command line up to the option's own value. */
const withValue = (option: Option): string[] =>
  option.required ? [flagOf(option), option.argChoices?.[0] ?? '1'] : [flagOf(option)];

const predicts = ['predict', '--model', at('model'), '--input', at('ct.nii')];
const imports = ['import', at('unetr.safetensors'), '--model', 'small-unetr'];

/** Where each flag applies: always, or not in a command line of this form. */
const places: Readonly<Record<string, 'always' | 'refused with --resume' | readonly string[]>> = {
  'simulate --out': 'refused with --resume',
  'simulate --seed': 'refused with --resume',
  'simulate --rounds': 'refused with --resume',
  'simulate --kill': 'refused with --resume',
  'simulate --resume': 'always',
  'simulate --world': 'refused with --resume',
  // Of a virtual world alone: test/cli/program.test.ts.
  'simulate --members': 'refused with --resume',
  'simulate --faults': 'refused with --resume',
  'simulate --fault-seed': 'refused with --resume',
  'simulate --attack': 'refused with --resume',
  'simulate --until': 'refused with --resume',
  'simulate --set': 'refused with --resume',
  // Of the laboratory alone: test/cli/lab.test.ts.
  'simulate --backend': 'refused with --resume',
  'simulate --precision': 'refused with --resume',
  'simulate --workers': 'refused with --resume',
  'simulate --until-round': 'refused with --resume',
  'simulate --snapshot': 'refused with --resume',
  'simulate --fork-at': 'refused with --resume',
  'simulate --format': 'always',
  'reproduce --out': 'always',
  'reproduce --seeds': 'always',
  // Into a folder that was begun otherwise they are refused: test/experiment/paper/journal.test.ts.
  'reproduce --set': 'always',
  'reproduce --backend': 'always',
  'reproduce --workers': 'always',
  'reproduce --format': 'always',
  'sweep --over': 'always',
  'sweep --out': 'always',
  'sweep --seed': 'always',
  'sweep --rounds': 'always',
  'sweep --set': 'always',
  'sweep --workers': 'always',
  'sweep --format': 'always',
  'compare --out': 'always',
  'compare --format': 'always',
  'topology --nodes': ['topology', 'file', '--file', at('edges.txt'), '--nodes', '3'],
  'topology --degree': ['topology', 'ring', '--degree', '2'],
  'topology --edge-rate': ['topology', 'ring', '--edge-rate', '0.5'],
  'topology --rewire-rate': ['topology', 'regular', '--rewire-rate', '0.5'],
  'topology --redrawn': ['topology', 'ring', '--redrawn'],
  'topology --groups': ['topology', 'ring', '--groups', '2'],
  'topology --file': ['topology', 'ring', '--file', at('edges.txt')],
  'topology --directed': ['topology', 'ring', '--directed'],
  'topology --seed': 'always',
  'topology --parameters': 'always',
  'topology --out': ['topology', 'all', '--out', at('all.svg')],
  'topology --format': 'always',
  // Of files that leave the question open; a folder may hold both kinds. test/cli/site-data.test.ts has what excludes what.
  'data check --name': 'always',
  'data check --series': 'always',
  'data check --keep-implausible': 'always',
  'data check --frame': 'always',
  'data check --axes': 'always',
  'data check --units': 'always',
  'data check --voxels-max': 'always',
  'data check --workers': 'always',
  'data check --format': 'always',
  'data import --into': 'always',
  'data import --home': ['data', 'import', 'x', '--into', 'y', '--home', 'z'],
  'data import --passphrase-file': 'always',
  'data import --held-out': 'always',
  'data import --dry-run': 'always',
  'data import --name': 'always',
  'data import --series': 'always',
  'data import --keep-implausible': 'always',
  'data import --frame': 'always',
  'data import --axes': 'always',
  'data import --units': 'always',
  'data import --voxels-max': 'always',
  'data import --workers': 'always',
  'data import --format': 'always',
  'data list --into': 'always',
  'data list --home': 'always',
  'data list --passphrase-file': 'always',
  'data list --format': 'always',
  'data fingerprint --into': 'always',
  'data fingerprint --home': 'always',
  'data fingerprint --passphrase-file': 'always',
  'data fingerprint --workers': 'always',
  'data fingerprint --round': 'always',
  'data fingerprint --format': 'always',
  'data preview --output': 'always',
  'data preview --case': 'always',
  'data preview --name': 'always',
  'data preview --series': 'always',
  'data preview --keep-implausible': 'always',
  'data preview --frame': 'always',
  'data preview --axes': 'always',
  'data preview --units': 'always',
  'data preview --voxels-max': 'always',
  'data preview --format': 'always',
  'predict --model': 'always',
  'predict --input': 'always',
  'predict --worklist': [...predicts, '--output', at('o4'), '--worklist', at('list.csv')],
  'predict --series': [...predicts, '--output', at('o5'), '--series', 'ct-00000000'],
  'predict --heart': [...predicts, '--output', at('o1'), '--heart', at('ct.nii')],
  'predict --output': 'always',
  'predict --backend': 'always',
  'predict --precision': [
    ...[...predicts, '--output', at('o2'), '--backend', 'wasm', '--precision', 'bf16'],
  ],
  'predict --strict': 'always',
  'predict --format': 'always',
  'predict --frame': 'always',
  'predict --axes': 'always',
  'predict --units': 'always',
  'predict --voxels-max': 'always',
  'export --model': 'always',
  'export --format': 'always',
  'export --output': 'always',
  'import --model': 'always',
  'import --output': 'always',
  'import --tasks': 'always',
  'import --heart': 'always',
  'import --fresh-heads': 'always',
  // A UNETR takes one size.
  'import --window': [...imports, '--output', at('o3'), '--window', '96,96,96'],
  'import --spacing': 'always',
  'import --seed': 'always',
  'import --format': 'always',
  'audit verify --consortium': 'always',
  'audit verify --allow-missing': 'always',
  'audit verify --format': 'always',
  'audit info --copy': 'always',
  'audit info --format': 'always',
  'audit search --copy': 'always',
  'audit search --member': 'always',
  'audit search --round': 'always',
  'audit search --height': 'always',
  'audit search --kind': 'always',
  'audit search --digest': 'always',
  'audit search --own': 'always',
  'audit search --format': 'always',
  'audit get --copy': 'always',
  'audit get --raw': 'always',
  'audit proof --output': 'always',
  'audit proof --copy': 'always',
  'audit proof --format': 'always',
  'audit check-proof --format': 'always',
  'audit export --output': 'always',
  'audit export --copy': 'always',
  'audit export --home': 'always',
  'audit export --passphrase-file': 'always',
  'audit export --format': 'always',
  'audit export --round': 'always',
  'audit export --more': 'always',
  'audit diff --format': 'always',
  'audit serve --host': 'always',
  'audit serve --port': 'always',
  'audit serve --copy': 'always',
  'audit witness --policy': 'always',
  'audit witness --name': 'always',
  'audit witness --host': 'always',
  'audit witness --port': 'always',
  // Of --keys and --home one: test/cli/audit-replay.test.ts.
  'audit replay --keys': 'always',
  'audit replay --home': 'always',
  'audit replay --passphrase-file': 'always',
  'audit replay --more': 'always',
  'audit replay --copy': 'always',
  'audit replay --format': 'always',
  'audit disclose --output': 'always',
  'audit disclose --home': 'always',
  'audit disclose --passphrase-file': 'always',
  'audit disclose --copy': 'always',
  'audit disclose --format': 'always',
  // What of these excludes each other, test/cli/membership/refusals.test.ts says.
  'init --id': 'always',
  'init --address': 'always',
  'init --labels': 'always',
  'init --data': 'always',
  'init --listen': 'always',
  'init --invitation': 'always',
  'init --org-key': 'always',
  'init --output': 'always',
  'init --home': 'always',
  'init --passphrase-file': 'always',
  'init --no-passphrase': 'always',
  'init --org-passphrase-file': 'always',
  'init --no-org-passphrase': 'always',
  'init --format': 'always',
  'consortium draft --name': 'always',
  'consortium draft --domain': 'always',
  'consortium draft --preset': 'always',
  'consortium draft --set': 'always',
  'consortium draft --add': 'always',
  'consortium draft --remove': 'always',
  'consortium draft --replace': 'always',
  'consortium draft --restart': 'always',
  'consortium draft --output': 'always',
  'consortium draft --home': 'always',
  'consortium draft --from': 'always',
  'consortium draft --format': 'always',
  'consortium sign --home': 'always',
  'consortium sign --from': 'always',
  'consortium sign --org-key': 'always',
  'consortium sign --request': 'always',
  'consortium sign --yes': 'always',
  'consortium sign --output': 'always',
  'consortium sign --org-passphrase-file': 'always',
  'consortium sign --format': 'always',
  'consortium combine --output': 'always',
  'consortium combine --home': 'always',
  'consortium combine --from': 'always',
  'consortium combine --format': 'always',
  'consortium submit --yes': 'always',
  'consortium submit --despite-quorum': 'always',
  'consortium submit --home': 'always',
  'consortium submit --format': 'always',
  'consortium show --home': 'always',
  'consortium show --from': 'always',
  'consortium show --format': 'always',
  'invite --output': 'always',
  'invite --days': 'always',
  'invite --home': 'always',
  'invite --org-key': 'always',
  'invite --org-passphrase-file': 'always',
  'invite --format': 'always',
  'join --home': 'always',
  'join --format': 'always',
  'member rotate --address': 'always',
  'member rotate --labels': 'always',
  'member rotate --new-org-key': 'always',
  'member rotate --output': 'always',
  'member rotate --home': 'always',
  'member rotate --org-key': 'always',
  'member rotate --org-passphrase-file': 'always',
  'member rotate --passphrase-file': 'always',
  'member rotate --no-org-passphrase': 'always',
  'member rotate --format': 'always',
  'member revoke --output': 'always',
  'member revoke --home': 'always',
  'member revoke --from': 'always',
  'member revoke --format': 'always',
  'member list --home': 'always',
  'member list --format': 'always',
  'backup --output': 'always',
  'backup --passphrase-file': 'always',
  'backup --no-passphrase': 'always',
  'backup --home': 'always',
  'backup --format': 'always',
  'restore --confirm': 'always',
  'restore --yes': 'always',
  'restore --passphrase-file': 'always',
  'restore --home': 'always',
  'restore --format': 'always',
  'preflight --home': 'always',
  'preflight --passphrase-file': 'always',
  'preflight --format': 'always',
  'start --home': 'always',
  'start --passphrase-file': 'always',
  'start --set': 'always',
  'start --format': 'always',
  'status --home': 'always',
  'status --watch': 'always',
  'status --health': 'always',
  'status --cases': 'always',
  'status --format': 'always',
  'peers --home': 'always',
  'peers --format': 'always',
  'wait --home': 'always',
  'wait --round': 'always',
  'wait --height': 'always',
  'wait --done': 'always',
  'wait --timeout': 'always',
  'wait --format': 'always',
  'logs --home': 'always',
  'logs --follow': 'always',
  'logs --lines': 'always',
  'logs --detail': 'always',
  'logs --format': 'always',
  'stop --home': 'always',
  'stop --format': 'always',
  'testnet --nodes': 'always',
  'testnet --output': 'always',
  'testnet --preset': 'always',
  'testnet --set': 'always',
  'testnet --start': 'always',
  'testnet --stop': ['testnet', '--output', at('net'), '--stop', at('net')],
  'testnet --format': 'always',
  'doctor --quick': 'always',
  'doctor --format': 'always',
  'doctor bundle --home': 'always',
  'doctor bundle --output': 'always',
  'doctor bundle --with-addresses': 'always',
  'doctor bundle --yes': 'always',
  'doctor bundle --passphrase-file': 'always',
  'doctor bundle --format': 'always',
};

describe('a flag', () => {
  let commands: Declared[] = [];
  const each = function* (): Generator<{ name: string; words: readonly string[]; option: Option }> {
    for (const { words, command } of commands) {
      for (const option of command.options) {
        yield { name: `${words.join(' ')} ${flagOf(option)}`, words, option };
      }
    }
  };

  before(async () => {
    const program = await buildProgram(worldOf({ out: '', err: '' }), () => undefined);
    commands = commandsBelow(program);
    const preset = readFileSync(join(projectRoot, 'config', 'smoke.yaml'), 'utf8');
    const settings = loadPreset(preset, 'smoke.yaml');
    const run = { code: digestOf(new Uint8Array()), kills: [], starts: {}, settings };
    const student = {
      ...{ spec: tinySpec, weights: tinyWeights(tinySpec), intensity: intensityDefaults },
      spacingMm: [3, 3, 3],
      window: tinySize,
    } as const;
    for (const name of ['run', 'model']) mkdirSync(at(name));
    await beginRun(diskStore(at('run')), run, 0);
    for (const [name, bytes] of encodeStudent(student)) writeFileSync(at(`model/${name}`), bytes);
    const ct = { shape: tinySize, affine: rasAffine([3, 3, 3], [0, 0, 0]) };
    writeFileSync(at('ct.nii'), encodeNifti({ ...ct, data: new Uint8Array(512) }));
    const unetr = readFileSync(join(projectRoot, 'config/models/small-unetr.yaml'), 'utf8');
    const spec = modelSpecFor(loadArchitecture(unetr, 'small-unetr'), ['hps']);
    const weights = initialWeights(spec, seededRandom('flags'));
    writeFileSync(at('unetr.safetensors'), encodeSafetensors(weights));
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  it('stands in the table of places, and none stands there that is not declared', () => {
    expect([...each()].map(({ name }) => name)).members(Object.keys(places));
  });

  it('of a new run is refused beside --resume, whichever it is', async () => {
    for (const { name, words, option } of each()) {
      if (words[0] !== 'simulate' || name === 'simulate --resume') continue;
      const args = [...words, '--resume', at('run'), ...withValue(option)];
      const { code, err } = await typed(args);
      const isRefused = places[name] === 'refused with --resume';
      const words2 = `leave out ${flagOf(option)}\n`;
      expect([name, code, err.endsWith(words2)]).deep.equal([name, isRefused ? 2 : 0, isRefused]);
    }
    const { err } = await typed(['simulate', 'smoke', '--resume', at('run'), '--seed', '1']);
    expect(err).contain('leave out smoke, --seed');
  });

  it('that cannot apply is refused by its name', async () => {
    for (const [name, place] of Object.entries(places)) {
      if (typeof place === 'string') continue;
      const { code, err } = await typed(place);
      expect(code, `${name}: ${err}`).equal(2);
      expect(err, name).contain(name.split(' ').at(-1)?.replace('--', ''));
    }
  });

  it('with one value is refused when it is given twice, of every command', async () => {
    let count = 0;
    for (const { name, words, option } of each()) {
      if (!takesOneValue(option)) continue;
      count += 1;
      const args = [...words, 'x', ...withValue(option), ...withValue(option)];
      const { code, err } = await typed(args);
      expect([name, code, err]).deep.equal([
        ...[name, 2, `annulus: ${flagOf(option)} is given twice\n`],
      ]);
    }
    // All but --kill, --set, --set, --fresh-heads, --strict, --allow-missing, --own and --quick; of a node's commands --set, --watch,
    // --health, --cases, --done, --follow, --detail, --set, --start, --with-addresses and --yes; of membership --address twice, --set,
    // --add, --remove, --replace, --restart, --from five times, --yes three times, --despite-quorum, --confirm, and four that begin with
    // --no; of topology --redrawn and --directed; of the laboratory --snapshot, --over and --set; of data --name, --series and
    // --keep-implausible three times each, and --dry-run.
    expect(count).equal(Object.keys(places).length - 8 - 9 - 2 - 21 - 2 - 3 - 10);
  });

  it('and --set, or two --set, do not say the same setting twice', async () => {
    for (const [args, words] of [
      [['--set', 'seed=1', '--set', 'seed=2'], '--set: seed is given by --set twice'],
      [['--seed', '1', '--set', 'seed=2'], '--set: seed is given by --seed and by --set'],
      [
        ['--set', 'training.student={rounds: 3}', '--set', 'training.student.rounds=4'],
        'training.student.rounds is given by --set twice',
      ],
    ] as const) {
      const { code, err } = await typed(['simulate', 'smoke', ...args]);
      expect(code, args.join(' ')).equal(2);
      expect(err).contain(words).and.contain('leave out one');
    }
  });
});
