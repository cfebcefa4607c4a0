/** As much of Protocol Buffers' encoding as ONNX files need (protobuf.dev/programming-guides/encoding). */
import { concatBytes, utf8 } from '../base/index.ts';

/** Fields of one message in the order written; large bytes are not copied before `finish`. */
export class MessageWriter {
  readonly #pieces: Uint8Array[] = [];

  /** int32, int64 or an enumeration. */
  int(field: number, value: number): this {
    this.#pieces.push(varint(field << 3), varint(value));
    return this;
  }

  /** A packed list of int64. */
  ints(field: number, values: readonly number[]): this {
    return this.bytes(field, concatBytes(...values.map(varint)));
  }

  float(field: number, value: number): this {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    this.#pieces.push(varint((field << 3) | 5), bytes);
    return this;
  }

  text(field: number, value: string): this {
    return this.bytes(field, utf8(value));
  }

  bytes(field: number, value: Uint8Array): this {
    this.#pieces.push(varint((field << 3) | 2), varint(value.byteLength), value);
    return this;
  }

  message(field: number, inner: MessageWriter): this {
    const pieces = inner.#pieces;
    const length = pieces.reduce((sum, piece) => sum + piece.byteLength, 0);
    this.#pieces.push(varint((field << 3) | 2), varint(length));
    for (const piece of pieces) this.#pieces.push(piece);
    return this;
  }

  finish(): Uint8Array {
    return concatBytes(...this.#pieces);
  }
}

/** Seven bits a byte, the lowest first, the top bit of all but the last set; negative as 64-bit two's complement. */
function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}
