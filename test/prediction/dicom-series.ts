/** A volume as a series that a reader of DICOM files would give, with a patient's name on it. */
import { voxelToWorld, type DicomSeries, type Vector3, type Volume } from '../../src/data/index.ts';

/** Stands in every attribute of the patient and of the study. */
export const secret = 'Geheim';

/** Slices are the volume's along its third axis. */
export function seriesOf(volume: Volume): DicomSeries {
  const { shape, affine } = volume;
  const lps = (ijk: Vector3): Vector3 => {
    const [x, y, z] = voxelToWorld(affine, ijk);
    return [-x, -y, z];
  };
  const origin = lps([0, 0, 0]);
  const along = (ijk: Vector3): { readonly mm: number; readonly unit: Vector3 } => {
    const [x, y, z] = lps(ijk).map((part, axis) => part - (origin[axis] ?? 0)) as [number, number, number]; // prettier-ignore
    const mm = Math.hypot(x, y, z);
    return { mm, unit: [x / mm, y / mm, z / mm] };
  };
  const [row, column, slice] = [along([1, 0, 0]), along([0, 1, 0]), along([0, 0, 1])];
  return {
    ...{ key: 'ct-00000000', geometry: { shape, affine }, notes: [] },
    slices: Array.from({ length: shape[0] }, (_, k) => ({
      ...{ file: `${k}.dcm`, sopClassUid: '1.2.840.10008.5.1.4.1.1.2', frame: null },
      ...{ sopInstanceUid: `1.2.3.4.${k + 1}`, position: lps([0, 0, k]) },
    })),
    orientation: [...row.unit, ...column.unit],
    ...{ pixelSpacingMm: [column.mm, row.mm], sliceThicknessMm: slice.mm },
    ...{ studyInstanceUid: '1.2.3.100', seriesInstanceUid: '1.2.3.200' },
    frameOfReferenceUid: '1.2.3.300',
    carried: {
      ...{ PatientName: `${secret}^Anna`, PatientID: `${secret}-1`, PatientBirthDate: '19400131' },
      ...{ PatientSex: 'F', PatientAge: '080Y', StudyDate: '20200201', StudyTime: '101112' },
      ...{ StudyID: `${secret}7`, AccessionNumber: `${secret}9` },
      ReferringPhysicianName: `${secret}^Jane`,
    },
    readCt: () => Promise.resolve({ volume, notes: [] }),
  };
}
