/**
 * Parameters as PyTorch's `torch.load` takes them: a zip of a pickle and one file per tensor. The pickle calls nothing
 * but what `weights_only=True` allows. Opcodes: Python's `pickletools`, protocol 2.
 */
import { zipSync, type Zippable } from 'fflate';
import { concatBytes, utf8 } from '../base/index.ts';
import type { ModelWeights } from '../weights/index.ts';

/** Names in a zip begin with the file's own, and so does PyTorch's search. */
const root = 'model';

/** Same weights, same bytes: zips hold times, and this is the earliest they can. */
const mtime = '1980-01-01T00:00:00';

/** A state dictionary, an OrderedDict of float32 tensors by name. */
export function encodeTorchFile(weights: ModelWeights): Uint8Array {
  const files: Zippable = {
    [`${root}/data.pkl`]: pickled(weights),
    [`${root}/byteorder`]: utf8('little'),
  };
  weights.forEach(({ data }, index) => {
    files[`${root}/data/${index}`] = littleEndian(data);
  });
  files[`${root}/version`] = utf8('3\n');
  return zipSync(files, { level: 0, mtime });
}

function pickled(weights: ModelWeights): Uint8Array {
  const dictionary = [callable('collections', 'OrderedDict'), utf8(')R')];
  const items = weights.flatMap(({ name, shape, data }, index) => {
    const storage = [
      ...[text('storage'), callable('torch', 'FloatStorage'), text(String(index)), text('cpu')],
      whole(data.length),
    ];
    // Offset, size, stride, needs a gradient, hooks.
    const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
    const place = [whole(0), ...tuple(shape.map(whole)), ...tuple(strides.map(whole))];
    return [
      ...[text(name), callable('torch._utils', '_rebuild_tensor_v2')],
      ...tuple([...tuple(storage), utf8('Q'), ...place, Uint8Array.of(0x89), ...dictionary]),
      utf8('R'),
    ];
  });
  return concatBytes(Uint8Array.of(0x80, 2), ...dictionary, utf8('('), ...items, utf8('u.'));
}

function callable(module: string, name: string): Uint8Array {
  return utf8(`c${module}\n${name}\n`);
}

function tuple(items: readonly Uint8Array[]): Uint8Array[] {
  return [utf8('('), ...items, utf8('t')];
}

function text(value: string): Uint8Array {
  const bytes = utf8(value);
  return concatBytes(utf8('X'), littleEndian(Uint32Array.of(bytes.length)), bytes);
}

/** A whole number from 0 to 2³¹ - 1. */
function whole(value: number): Uint8Array {
  return concatBytes(utf8('J'), littleEndian(Uint32Array.of(value)));
}

/** On every machine that we run on numbers lie like this already. */
function littleEndian({ buffer, byteOffset, byteLength }: Float32Array | Uint32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
