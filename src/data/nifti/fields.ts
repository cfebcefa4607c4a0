/** Fields of NIfTI-1 and NIfTI-2 headers at their offsets. */

/** Offsets of fields and how to read them; the two versions differ only here. */
export interface NiftiFields {
  readonly dim: (n: number) => number;
  readonly datatype: () => number;
  readonly bitpix: () => number;
  readonly pixdim: (n: number) => number;
  readonly voxOffset: () => number;
  readonly slope: () => number;
  readonly inter: () => number;
  readonly units: () => number;
  readonly qformCode: () => number;
  readonly sformCode: () => number;
  readonly quatern: (n: number) => number;
  readonly srow: (n: number) => number;
}

/** NIfTI-1: a header of 348 bytes; `le` is little-endian. */
export function layout1(view: DataView, le: boolean): NiftiFields {
  const f32 = (at: number): number => view.getFloat32(at, le);
  return {
    dim: (n) => view.getInt16(40 + 2 * n, le),
    datatype: () => view.getInt16(70, le),
    bitpix: () => view.getInt16(72, le),
    pixdim: (n) => f32(76 + 4 * n),
    voxOffset: () => f32(108),
    slope: () => f32(112),
    inter: () => f32(116),
    units: () => view.getUint8(123),
    qformCode: () => view.getInt16(252, le),
    sformCode: () => view.getInt16(254, le),
    quatern: (n) => f32(256 + 4 * n),
    srow: (n) => f32(280 + 4 * n),
  };
}

/** NIfTI-2: a header of 540 bytes; `le` is little-endian. */
export function layout2(view: DataView, le: boolean): NiftiFields {
  const f64 = (at: number): number => view.getFloat64(at, le);
  const i64 = (at: number): number => Number(view.getBigInt64(at, le));
  return {
    dim: (n) => i64(16 + 8 * n),
    datatype: () => view.getInt16(12, le),
    bitpix: () => view.getInt16(14, le),
    pixdim: (n) => f64(104 + 8 * n),
    voxOffset: () => i64(168),
    slope: () => f64(176),
    inter: () => f64(184),
    units: () => view.getInt32(500, le) & 0xff,
    qformCode: () => view.getInt32(344, le),
    sformCode: () => view.getInt32(348, le),
    quatern: (n) => f64(352 + 8 * n),
    srow: (n) => f64(400 + 8 * n),
  };
}
