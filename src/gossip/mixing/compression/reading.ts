/** Bytes of a compressed vector, read from the front and to the end. */
import { GossipError } from '../../errors.ts';

/** What is thrown for bytes that no encoder writes. */
export function badBytes(reason: string): GossipError {
  return new GossipError({ code: 'bad_mixing_message', reason }, reason);
}

/** @throws {GossipError} 'bad_mixing_message' unless there are exactly so many bytes */
export function checkBytes(bytes: Uint8Array, expected: number): void {
  if (bytes.byteLength === expected) return;
  throw badBytes(`expected ${expected} bytes, got ${bytes.byteLength}`);
}

/** The bytes as a view, numbers little-endian. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A scale: finite, from 0, and one text of bits for 0. @throws {GossipError} 'bad_mixing_message' */
export function readScale(view: DataView, at: number): number {
  const scale = view.getFloat32(at, true);
  if (scale >= 0 && scale < Infinity && !Object.is(scale, -0)) return scale;
  throw badBytes('expected a finite scale from 0');
}
