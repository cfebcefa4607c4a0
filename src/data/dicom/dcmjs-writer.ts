/** A DICOM file by `dcmjs`: explicit VR, little endian. Loaded when the first file is written. */
import { Buffer } from 'node:buffer';

/** Attributes by keyword (PS3.6). Sequences are lists of data sets. */
export type DicomDataset = Readonly<Record<string, DicomValue>>;

type DicomValue =
  | string
  | number
  | Uint8Array
  | readonly string[]
  | readonly number[]
  | readonly Readonly<Record<string, unknown>>[];

/** What we use of the package, which has no types. */
interface Dcmjs {
  readonly log: { readonly setLevel: (level: string) => void };
  readonly data: {
    readonly datasetToBuffer: (dataset: Readonly<Record<string, unknown>>) => Buffer;
  };
}

/** The file's bytes, with its meta information. */
export async function writeDicom(dataset: DicomDataset): Promise<Uint8Array> {
  const dcmjs = await load();
  const { PixelData, ...rest } = dataset;
  const pixels = PixelData as Uint8Array;
  const bytes = dcmjs.data.datasetToBuffer({
    _meta: {},
    _vrMap: { PixelData: 'OB' },
    ...rest,
    PixelData: [pixels.buffer.slice(pixels.byteOffset, pixels.byteOffset + pixels.byteLength)],
  });
  return new Uint8Array(bytes);
}

let loaded: Promise<Dcmjs> | null = null;

function load(): Promise<Dcmjs> {
  loaded ??= (async () => {
    // @ts-expect-error: the package has no types.
    const { default: dcmjs } = (await import('dcmjs')) as { readonly default: Dcmjs };
    // It would write what it finds odd, values too, to the console.
    dcmjs.log.setLevel('silent');
    return dcmjs;
  })();
  return loaded;
}
