/** A prediction as a DICOM SEG on the grid of the series it was made in. */
import { utf8 } from '../base/index.ts';
import { sha256 } from '../crypto/index.ts';
import {
  calciumWords,
  encodeSegmentation,
  pointNames,
  pointWords,
  type DicomSegment,
  type DicomSeries,
} from '../data/index.ts';
import type { CtPrediction } from '../distill/index.ts';

/** The file's bytes; null when nothing was found. */
export async function segmentationFile(
  prediction: CtPrediction,
  series: DicomSeries,
  model: string,
  made: { readonly date: string; readonly time: string; readonly version: string },
): Promise<Uint8Array | null> {
  const { labels, calcium } = prediction;
  const segments: DicomSegment[] = pointNames.map((name, index) => ({
    ...{ words: pointWords[name], map: labels, value: index + 1 },
  }));
  if (calcium !== null) segments.push({ words: calciumWords, map: calcium, value: 1 });
  // The same prediction at the same time is the same object; at another time it is another one.
  const source = series.seriesInstanceUid ?? series.key;
  const about = [source, model, made.version, made.date, made.time].join('|');
  return encodeSegmentation({
    ...{ series, segments, model, ...made },
    uids: {
      series: uidOf(`series|${about}`),
      instance: uidOf(`instance|${about}`),
      dimension: uidOf(`dimension|${about}`),
      // Where the source has none, every object about it shares these.
      study: uidOf(`study|${source}`),
      frame: uidOf(`frame|${source}`),
    },
  });
}

/** A UID under 2.25 (PS3.5 B.2): 128 bits of a digest. */
export function uidOf(text: string): string {
  const bits = sha256(utf8(text))
    .subarray(0, 16)
    .reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  return `2.25.${bits}`;
}
