/**
 * Points as other programs write them. Layouts from the programs' own sources: 3D Slicer's vtkMRMLMarkupsFiducialStorageNode
 * (0 is RAS and 1 is LPS in files of up to 4.10), its export of a table of points, MITK's PointSetReaderService (places in the
 * set's Geometry3D).
 */
import { expect } from 'chai';
import { utf8 } from '../../../src/base/index.ts';
import { DataError, decodePoints } from '../../../src/data/index.ts';

const columns = '# columns = id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label,desc,associatedNodeID';
const fcsv = (system: string, ...rows: string[]): Uint8Array =>
  utf8(['# Markups fiducial file version = 4.11', system, columns, ...rows, ''].join('\n'));
const row =
  'vtkMRMLMarkupsFiducialNode_0,1.5,-40.25,60,0,0,0,1,1,1,0,RCC,,vtkMRMLScalarVolumeNode1';

function codeOf(bytes: Uint8Array, name: string): string {
  try {
    decodePoints(bytes, name);
  } catch (error) {
    if (error instanceof DataError) return error.facts.code;
    throw error;
  }
  return 'read';
}

describe('points in .fcsv', () => {
  it('are turned to RAS as the file says, in numbers or in words', () => {
    for (const [system, at] of [
      ['0', [1.5, -40.25, 60]],
      ['RAS', [1.5, -40.25, 60]],
      ['1', [-1.5, 40.25, 60]],
      ['LPS', [-1.5, 40.25, 60]],
    ] as const) {
      const bytes = fcsv(`# CoordinateSystem = ${system}`, row);
      expect(decodePoints(bytes, 'a.fcsv'), system).deep.equal([{ label: 'RCC', position: at }]);
    }
  });

  it('keep names with commas and quotes, and Windows line ends', () => {
    const text = fcsv('# CoordinateSystem = 0', '1,1,2,3,0,0,0,1,1,1,0,"Hinge, ""RCC""",,');
    const crlf = utf8(Buffer.from(text).toString().replaceAll('\n', '\r\n'));
    expect(decodePoints(crlf, 'F.FCSV')[0]?.label).equal('Hinge, "RCC"');
  });

  it('are refused without their axes, in voxels, with two systems, cut short or with text for a number', () => {
    for (const bytes of [
      fcsv('# no system', row),
      fcsv('# CoordinateSystem = 2', row),
      fcsv('# CoordinateSystem = IJK', row),
      fcsv('# CoordinateSystem = 0\n# CoordinateSystem = 1', row),
      fcsv('# CoordinateSystem = 0', '1,1,2'),
      fcsv('# CoordinateSystem = 0', row.replace('1.5', '1.5mm')),
      fcsv('# CoordinateSystem = 0', row.replace('RCC', '"RCC')),
    ]) {
      expect(codeOf(bytes, 'a.fcsv')).equal('bad_field');
    }
    expect(codeOf(utf8('label,r,a,s\nRCC,1,2,3'), 'a.fcsv')).equal('not_recognised');
    expect(codeOf(Uint8Array.of(0xff, 0xfe, 0xd8), 'a.fcsv')).equal('not_recognised');
    expect(codeOf(new Uint8Array(5 * 1024 * 1024), 'a.fcsv')).equal('too_large');
  });
});

describe('points in a table', () => {
  it('are read from columns whose names say the axes', () => {
    const slicer = 'label,r,a,s,defined,selected,visible,locked,description\nRCC,1,2,3,1,1,1,0,\n';
    expect(decodePoints(utf8(slicer), 'a.csv')).deep.equal([{ label: 'RCC', position: [1, 2, 3] }]);
    const lps = 'name\tl\tp\ts\nLCA\t1\t2\t-3e0\n';
    expect(decodePoints(utf8(lps), 'a.tsv')).deep.equal([{ label: 'LCA', position: [-1, -2, -3] }]);
  });

  it('are read as a European spreadsheet writes them', () => {
    const text = '\ufeffName;R;A;S\r\n"RCC";1,5;-2,25;3\r\n';
    expect(decodePoints(utf8(text), 'a.csv')).deep.equal([
      { label: 'RCC', position: [1.5, -2.25, 3] },
    ]);
  });

  it('ask which way x, y and z run, and are refused without columns or numbers', () => {
    expect(codeOf(utf8('label,x,y,z\nRCC,1,2,3'), 'a.csv')).equal('ask_first');
    expect(codeOf(utf8('label,i,j,k\nRCC,1,2,3'), 'a.csv')).equal('bad_field');
    expect(codeOf(utf8('RCC,1,2,3'), 'a.csv')).equal('not_recognised');
    expect(codeOf(utf8('label,r,a,s\nRCC,1,,3'), 'a.csv')).equal('bad_field');
    expect(codeOf(utf8('label,r,a,s\nRCC,1,2,NaN'), 'a.csv')).equal('bad_field');
    // A comma between the fields cannot be one within a number.
    expect(codeOf(utf8('label,r,a,s\nRCC,"1,5",2,3'), 'a.csv')).equal('bad_field');
  });
});

const mps = (series: string): Uint8Array =>
  utf8(
    '<?xml version="1.0" encoding="UTF-8" ?>\n<point_set_file>\n<file_version>0.1</file_version>\n<point_set>' +
      `<time_series><time_series_id>0</time_series_id>${series}</time_series></point_set></point_set_file>`,
  );
const point = (id: number, at: string): string => {
  const [x, y, z] = at.split(' ');
  return `<point><id>${id}</id><specification>0</specification><x>${x}</x><y>${y}</y><z>${z}</z></point>`;
};
const geometry = (matrix: string, offset: string): string => {
  const cells = matrix.split(' ').map((cell, n) => `m_${Math.floor(n / 3)}_${n % 3}="${cell}"`);
  const [x, y, z] = offset.split(' ');
  return `<Geometry3D ImageGeometry="false" FrameOfReferenceID="0"><IndexToWorld type="Matrix3x3" ${cells.join(' ')}/><Offset type="Vector3D" x="${x}" y="${y}" z="${z}"/></Geometry3D>`;
};

describe('points in .mps', () => {
  it('lie in LPS, and one point is called as its file is', () => {
    const identity = geometry('1 0 0 0 1 0 0 0 1', '0 0 0');
    for (const bytes of [mps(point(0, '1 2 3')), mps(identity + point(7, '1 2 3'))]) {
      expect(decodePoints(bytes, 'Hinge RCC.mps')).deep.equal([
        { label: 'Hinge RCC', position: [-1, -2, 3] },
      ]);
    }
  });

  it('are numbered where a file has several', () => {
    const read = decodePoints(mps(point(0, '1 2 3') + point(4, '4 5 6.5e0')), 'hps.mps');
    expect(read.map(({ label }) => label)).deep.equal(['hps 0', 'hps 4']);
    expect(read[1]?.position).deep.equal([-4, -5, 6.5]);
  });

  it('are placed by their own geometry', () => {
    // x' = 2y + 10, y' = -x, z' = z + 1: (1, 2, 3) goes to (14, -1, 4) LPS, that is (-14, 1, 4) RAS.
    const turned = geometry('0 2 0 -1 0 0 0 0 1', '10 0 1') + point(0, '1 2 3');
    expect(decodePoints(mps(turned), 'RCC.mps')[0]?.position).deep.equal([-14, 1, 4]);
  });

  it('are refused with several moments, a broken geometry, definitions, or without numbers', () => {
    const two = '</time_series><time_series><time_series_id>1</time_series_id>';
    for (const bytes of [
      mps(point(0, '1 2 3') + two + point(0, '1 2 3')),
      mps(geometry('1 0 0 0 x 0 0 0 1', '0 0 0') + point(0, '1 2 3')),
      mps(point(0, '1 2 three')),
      mps(point(0, '1 2 3').replace('<id>0</id>', '')),
      utf8('<point_set_file><!DOCTYPE a [<!ENTITY b "c">]></point_set_file>'),
    ]) {
      expect(codeOf(bytes, 'a.mps')).equal('bad_field');
    }
    expect(codeOf(utf8('<html></html>'), 'a.mps')).equal('not_recognised');
  });
});
