/** The networks of config/models: each is read, and its row of the README says what it is. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { expect } from 'chai';

import { loadArchitecture, modelSpecFor } from '../../src/config/index.ts';
import { taskIds } from '../../src/data/index.ts';
import { checkInput, ModelsError, parameterList, type Triple } from '../../src/models/index.ts';
import { elementCount } from '../../src/weights/index.ts';
import { projectRoot } from '../project-root.ts';

const folder = join(projectRoot, 'config/models');
const rows = new Map(
  [...readFileSync(join(folder, 'README.md'), 'utf8').matchAll(/^\| `(.*?)` .*$/gm)].map(
    ([line, name = '']) => {
      const [, , , count = '', divisor = ''] = line.split('|').map((cell) => cell.trim());
      return [name, { count, divisor }];
    },
  ),
);

describe('the networks of config/models', () => {
  const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'));

  it('are those of its README', () => {
    expect([...rows.keys()].sort()).deep.equal(files.map((name) => name.slice(0, -5)).sort());
  });

  for (const file of files) {
    it(`have in ${file} as many parameters, and patches of the sizes, as its README says`, () => {
      const text = readFileSync(join(folder, file), 'utf8');
      const spec = modelSpecFor(loadArchitecture(text, file), taskIds);
      const row = rows.get(file.slice(0, -5))!;
      const count = parameterList(spec).reduce((sum, { shape }) => sum + elementCount(shape), 0);
      expect(row.count).equal(count.toLocaleString('en').replaceAll(',', ' '));
      const [d = 0, h = d, w = d] = row.divisor.match(/\d+/g)!.map(Number);
      const fits = (...size: Triple): boolean => {
        try {
          checkInput(spec, [1, ...size, 1]);
          return true;
        } catch (error) {
          if (error instanceof ModelsError) return false;
          throw error;
        }
      };
      const isFixed = row.divisor.endsWith('no other');
      expect(fits(d, h, w), 'one').equal(isFixed);
      expect(fits(2 * d, 2 * h, 2 * w), 'two').equal(!isFixed);
      for (const size of [
        [d + d / 2, h, w],
        [d, h + h / 2, w],
        [d, h, w + w / 2],
      ] as const) {
        expect(fits(...size), size.join()).equal(false);
      }
    });
  }
});
