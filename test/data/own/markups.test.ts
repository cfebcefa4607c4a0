import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { utf8 } from '../../../src/base/index.ts';
import { DataError, decodeMarkups, encodeMarkups } from '../../../src/data/index.ts';
import { projectRoot } from '../../project-root.ts';

describe('markups', () => {
  it('are read from a file of 3D Slicer, in RAS', () => {
    const bytes = readFileSync(
      join(projectRoot, '..', 'shared', 'data', 'cardiac_ct', 'landmarks.mrk.json'),
    );
    const points = decodeMarkups(bytes);
    expect(points).to.have.length(7);
    expect(points[0]).to.deep.equal({
      label: 'aortic_annulus_centre',
      position: [-13.954, 184.051, 660.779],
    });
  });

  it('come back to a micron', () => {
    const points = [
      { label: 'RCC', position: [1.2344, -5.6789, 100] as const },
      { label: 'MS1', position: [0, 0, -0.25] as const },
    ];
    const read = decodeMarkups(encodeMarkups(points));
    read.forEach((point, n) => {
      expect(point.label).to.equal(points[n]!.label);
      point.position.forEach((mm, axis) => {
        expect(mm).to.be.closeTo(points[n]!.position[axis]!, 0.0006);
      });
    });
    const text = Buffer.from(encodeMarkups(points)).toString();
    expect(text).to.contain('"coordinateSystem": "LPS"');
    expect((JSON.parse(text) as { markups: { controlPoints: { position: number[] }[] }[] })
      .markups[0]!.controlPoints[0]!.position).to.deep.equal([-1.234, 5.679, 100]); // prettier-ignore
  });

  it('are refused when they are something else', () => {
    const good = Buffer.from(encodeMarkups([{ label: 'RCC', position: [1, 2, 3] }])).toString();
    const changes: [string, string][] = [
      ['"Fiducial"', '"Line"'],
      ['"LPS"', '"XYZ"'],
      ['"mm"', '"cm"'],
      ['markups-schema', 'other-schema'],
      ['"position": [\n', '"position": [null,\n'],
      ['"controlPoints": [', '"controlPoints": [7,'],
    ];
    for (const [from, to] of changes) {
      expect(good, from).to.contain(from);
      expect(() => decodeMarkups(utf8(good.replace(from, to))), to).to.throw(DataError);
    }
    for (const text of ['', '[]', '{', 'null', '{"@schema":"x","markups":[]}']) {
      expect(() => decodeMarkups(utf8(text)), text).to.throw(DataError);
    }
    const unplaced = good.replace('"defined"', '"undefined"');
    expect(decodeMarkups(utf8(unplaced))).to.deep.equal([]);
    const ras = decodeMarkups(utf8(good.replace('"LPS"', '"RAS"')));
    expect(ras[0]!.position).to.deep.equal([-1, -2, 3]);
  });
});
