/**
 * The door to dcmjs-codecs: JPEG, JPEG-LS and JPEG 2000 in WebAssembly, loaded when the first compressed frame comes. A frame has
 * passed `checkCodestream` before.
 */
import type * as DcmjsCodecs from 'dcmjs-codecs';
import type { PixelFormat } from './pixel-format.ts';
import { breaks } from './refusal.ts';
import { decodeRle } from './rle.ts';
import type { CodecName } from './transfer-syntax.ts';

type Codecs = typeof DcmjsCodecs;

const decoders = {
  jpeg: 'decodeJpeg',
  jpegLs: 'decodeJpegLs',
  jpeg2000: 'decodeJpeg2000',
  htj2k: 'decodeHtJpeg2000',
} as const;

let loading: Promise<Codecs> | null = null;

/** Pixels of a compressed frame, little endian. @throws {DataError} 'dicom' pixels_damaged, file_cut_short */
export async function decodeFrame(
  frame: Uint8Array,
  codec: CodecName,
  format: PixelFormat,
): Promise<Uint8Array> {
  if (codec === 'rle') return decodeRle(frame, format);
  loading ??= load();
  const { NativeCodecs, Context } = await loading;
  const { rows, columns, bitsAllocated, bitsStored, isSigned } = format;
  const context = new Context({
    ...{ width: columns, height: rows, bitsAllocated, bitsStored },
    ...{ samplesPerPixel: 1, planarConfiguration: 0, photometricInterpretation: 'MONOCHROME2' },
    pixelRepresentation: isSigned ? 1 : 0,
    encodedBuffer: frame,
  });
  let pixels: Uint8Array | undefined;
  try {
    pixels = NativeCodecs[decoders[codec]](context).getDecodedBuffer();
  } catch (cause) {
    // What was left in the middle of its work is not used again.
    NativeCodecs.release();
    loading = null;
    throw breaks(
      'pixels_damaged',
      'PixelData: expected a sound compressed frame, got a damaged one',
      cause,
    );
  }
  const needed = (rows * columns * bitsAllocated) / 8;
  if (pixels?.byteLength !== needed) {
    const came = pixels?.byteLength ?? 0;
    throw breaks('pixels_damaged', `PixelData: expected a frame of ${needed} bytes, got ${came}`);
  }
  return pixels;
}

async function load(): Promise<Codecs> {
  // Its types are those of an ES module, its code is CommonJS.
  const loaded = (await import('dcmjs-codecs')) as unknown as { readonly default: Codecs };
  const codecs = loaded.default;
  // It would write what it finds in files to the terminal.
  codecs.log.setLevel('silent');
  await codecs.NativeCodecs.initializeAsync();
  return codecs;
}
