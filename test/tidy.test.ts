/**
 * Holds the shape of the house. The floors are read from the table in docs/architecture.md, so the
 * page and the rule are one thing: whoever changes the house changes the page.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { expect } from 'chai';
import ts from 'typescript';
import { projectRoot } from './project-root.ts';

/** A package, and the rooms whose job it is to know it. */
const doors: readonly { readonly packages: RegExp; readonly rooms: readonly string[] }[] = [
  { packages: /^@tensorflow\//, rooms: ['compute'] },
  {
    packages: /^(libp2p|@libp2p\/.*|@chainsafe\/.*|@multiformats\/.*|it-.*|uint8arraylist)$/,
    rooms: ['network'],
  },
  { packages: /^yaml$/, rooms: ['config'] },
  { packages: /^commander$/, rooms: ['cli'] },
  { packages: /^@(hpke|scure)\//, rooms: ['crypto'] },
  { packages: /^dcmjs(-codecs)?$/, rooms: ['data'] },
  { packages: /^yauzl$/, rooms: ['host'] },
  { packages: /^(hono|@hono\/.*|uplot)$/, rooms: ['dashboard'] },
  {
    packages: /^node:(fs|fs\/promises)$/,
    rooms: ['host', 'hospital', 'experiment', 'cli', 'compute', 'dashboard'],
  },
  { packages: /^node:(net|tls|http|https|dgram|dns)$/, rooms: ['network', 'host'] },
];

/** Rooms that may read the wall clock and the dice themselves. */
const worldRooms = ['host', 'network', 'hospital', 'cli'];
/** Runs in a browser, where no port comes. */
const browserFolder = 'src/dashboard/page/';
const world = /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\bsetTimeout\(|\bsetInterval\(/;

/** f = floor((n-1)/3) or q = floor(2n/3)+1, whatever n is called. */
const quorum = /- 1\) \/ 3\)|\(2 \* [\w.]+\) \/ 3\)/;

const linesMax = 400;
/** What a longer file's header says, with the reason after it. */
const longFileReason = /in one file because/i;

interface SourceFile {
  /** From the project's root, with forward slashes. */
  readonly path: string;
  readonly room: string;
  readonly text: string;
  readonly imports: readonly string[];
}

interface Floor {
  readonly floor: number;
  readonly mayImport: ReadonlySet<string>;
}

describe('the house', () => {
  const files = sourceFiles('src');
  const house = readHouse(readFileSync(join(projectRoot, 'docs', 'architecture.md'), 'utf8'));

  it('has every room of src in the table of docs/architecture.md, and no other', () => {
    const rooms = [...new Set(files.map((file) => file.room))].sort();
    expect(rooms.filter((room) => !house.has(room))).deep.equal([]);
    for (const [room, { floor, mayImport }] of house) {
      for (const below of mayImport) {
        expect(house.get(below)?.floor, `${room} names the unknown room ${below}`).a('number');
        expect(house.get(below)!.floor, `${room} may not import ${below}: up`).lessThan(floor);
      }
    }
  });

  it('imports down the floors only', () => {
    const wrong = files.flatMap((file) =>
      roomImports(file)
        .filter(({ room }) => room !== file.room)
        .filter(({ room }) => house.get(file.room)?.mayImport.has(room) !== true)
        .map(
          ({ room, specifier }) =>
            `${file.path}: ${file.room} may not import ${room} (${specifier})`,
        ),
    );
    expect(wrong).deep.equal([]);
  });

  it('enters another room by its index.ts, and never its own', () => {
    const wrong = files.flatMap((file) =>
      roomImports(file)
        .filter(({ room, path }) => (path === `src/${room}/index.ts`) === (room === file.room))
        .map(({ specifier }) => `${file.path}: ${specifier}`),
    );
    expect(wrong).deep.equal([]);
  });

  it('has no circle of imports', () => {
    expect(findCircle(files)).equal(null);
  });

  it('reaches each package by its door', () => {
    const wrong = files.flatMap((file) =>
      file.imports
        .filter((specifier) => !specifier.startsWith('.'))
        .filter((specifier) =>
          doors.some(
            ({ packages, rooms }) =>
              (packages.test(specifier) || packages.test(packageOf(specifier))) &&
              !rooms.includes(file.room),
          ),
        )
        .map((specifier) => `${file.path}: ${specifier}`),
    );
    expect(wrong).deep.equal([]);
  });

  it('imports only packages that package.json installs for its users', () => {
    const { dependencies, peerDependencies } = manifest();
    const known = new Set([...Object.keys(dependencies), ...Object.keys(peerDependencies)]);
    const wrong = files.flatMap((file) =>
      file.imports
        .filter((specifier) => !specifier.startsWith('.') && !specifier.startsWith('node:'))
        .filter((specifier) => !known.has(packageOf(specifier)))
        .map((specifier) => `${file.path}: ${specifier}`),
    );
    expect(wrong).deep.equal([]);
  });

  it('gives a reason in docs/DEPENDENCIES.md for every package', () => {
    const page = readFileSync(join(projectRoot, 'docs', 'DEPENDENCIES.md'), 'utf8');
    const { dependencies, optionalDependencies, peerDependencies, devDependencies } = manifest();
    const names = [dependencies, optionalDependencies, peerDependencies, devDependencies];
    const missing = names
      .flatMap((group) => Object.keys(group))
      .filter((name) => !page.includes(`\`${name}\``));
    expect(missing).deep.equal([]);
  });

  it('says in one place how many members must agree', () => {
    const wrong = files.filter(
      ({ path, text }) => path !== 'src/wire/quorum.ts' && quorum.test(withoutComments(text)),
    );
    expect(wrong.map((file) => file.path)).deep.equal([]);
  });

  it('keeps clock and dice behind ports', () => {
    const wrong = files.filter(
      ({ room, path, text }) =>
        !worldRooms.includes(room) &&
        !path.startsWith(browserFolder) &&
        world.test(withoutComments(text)),
    );
    expect(wrong.map((file) => file.path)).deep.equal([]);
  });

  it('has no file over 400 lines whose header does not say why', () => {
    const wrong = [...files, ...sourceFiles('scripts')]
      .filter(({ text }) => text.split('\n').length > linesMax)
      .filter(({ text }) => !longFileReason.test(text.slice(0, 1500)))
      .map(({ path }) => `${path}: shorten it, or say "In one file because …" in its header`);
    expect(wrong).deep.equal([]);
  });

  it('leaves no unfinished mark, and begins every file with what it is', () => {
    const all = [
      ...files,
      ...sourceFiles('test'),
      ...sourceFiles('scripts'),
      ...sourceFiles('bench'),
    ];
    const unfinished = new RegExp(['TO' + 'DO', 'FIX' + 'ME', 'X'.repeat(3)].join('|'));
    expect(all.filter(({ text }) => unfinished.test(text)).map(({ path }) => path)).deep.equal([]);
    const headless = files.filter(
      ({ path, text }) => !path.endsWith('/index.ts') && !/^(import [^;]*;|\s)*\/[*/]/.test(text),
    );
    expect(headless.map(({ path }) => path)).deep.equal([]);
  });
});

describe('the rules of the house', () => {
  it('read floors and rooms from the table', () => {
    const house = readHouse(
      [
        '| 0 | `base` | ids | – |',
        '| 1 | `crypto` | keys | base |',
        '| 2 | `peer` | all | floors 0–1 |',
      ].join('\n'),
    );
    expect(house.get('base')).deep.equal({ floor: 0, mayImport: new Set() });
    expect(house.get('crypto')).deep.equal({ floor: 1, mayImport: new Set(['base']) });
    expect(house.get('peer')).deep.equal({ floor: 2, mayImport: new Set(['base', 'crypto']) });
  });

  it('find a circle and name it', () => {
    const file = (path: string, imports: string[]): SourceFile => ({
      path,
      room: 'a',
      text: '',
      imports,
    });
    const files = [
      file('src/a/x.ts', ['./y.ts']),
      file('src/a/y.ts', ['./z.ts']),
      file('src/a/z.ts', ['./x.ts']),
    ];
    expect(findCircle(files)).equal('src/a/x.ts → src/a/y.ts → src/a/z.ts → src/a/x.ts');
    expect(findCircle(files.slice(1))).equal(null);
  });

  it('see a quorum by its arithmetic', () => {
    expect(quorum.test('const f = Math.floor((members.length - 1) / 3);')).equal(true);
    expect(quorum.test('return Math.floor((2 * n) / 3) + 1;')).equal(true);
    expect(quorum.test('return Math.ceil(bytes / 3) * 4;')).equal(false);
  });

  it('see clocks in code and not in comments', () => {
    expect(
      world.test(withoutComments('// Date.now() is refused\n/* Math.random() */ const a = 1;')),
    ).equal(false);
    expect(world.test(withoutComments('const a = Date.now();'))).equal(true);
  });
});

function sourceFiles(folder: string): SourceFile[] {
  const top = join(projectRoot, folder);
  if (!existsSync(top)) return [];
  return readdirSync(top, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(projectRoot, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((path) => !path.startsWith('src/compute/heap/wasm/assembly/'))
    .sort()
    .map((path) => {
      const text = readFileSync(join(projectRoot, path), 'utf8');
      const imports = ts.preProcessFile(text).importedFiles.map(({ fileName }) => fileName);
      return { path, room: path.split('/')[1] ?? '', text, imports };
    });
}

/** Rows `| floor | \`room\` | what | may import |`; "floors 0–4" stands for every room on them. */
function readHouse(page: string): Map<string, Floor> {
  const rows = [...page.matchAll(/^\| (\d+) +\| `(?:src\/)?([a-z]+)` +\|.*\| ([^|]*?) +\|$/gm)].map(
    ([, floor, room, imports]) => ({ floor: Number(floor), room: room!, imports: imports! }),
  );
  const expand = (words: string): string[] => {
    const range = /^floors 0–(\d+)$/.exec(words);
    if (range === null) return /^[a-z]+$/.test(words) ? [words] : [];
    return rows.filter(({ floor }) => floor <= Number(range[1])).map(({ room }) => room);
  };
  return new Map(
    rows.map(({ floor, room, imports }) => [
      room,
      { floor, mayImport: new Set(imports.split(/, */).flatMap(expand)) },
    ]),
  );
}

function roomImports(file: SourceFile): { room: string; path: string; specifier: string }[] {
  return localImports(file)
    .map(({ path, specifier }) => ({ path, specifier, room: path.split('/')[1] ?? '' }))
    .filter(({ path }) => path.startsWith('src/'));
}

function localImports(file: SourceFile): { path: string; specifier: string }[] {
  return file.imports
    .filter((specifier) => specifier.startsWith('.'))
    .map((specifier) => ({
      specifier,
      path: join(dirname(file.path), specifier).split(sep).join('/'),
    }));
}

function findCircle(files: readonly SourceFile[]): string | null {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): string | null => {
    if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path].join(' → ');
    const file = byPath.get(path);
    if (file === undefined || done.has(path)) return null;
    for (const next of localImports(file)) {
      const circle = visit(next.path, [...trail, path]);
      if (circle !== null) return circle;
    }
    done.add(path);
    return null;
  };
  for (const { path } of files) {
    const circle = visit(path, []);
    if (circle !== null) return circle;
  }
  return null;
}

/** `@scope/name` or `name`, without the path inside the package. */
function packageOf(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[^]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1');
}

interface Manifest {
  readonly dependencies: Record<string, string>;
  readonly optionalDependencies: Record<string, string>;
  readonly peerDependencies: Record<string, string>;
  readonly devDependencies: Record<string, string>;
}

function manifest(): Manifest {
  return JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as Manifest;
}
