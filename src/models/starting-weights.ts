/** The first weights of a stage that begins from an earlier model: its backbone, and its heads for the same tasks. */
import type { ModelWeights } from '../weights/index.ts';
import { ModelsError } from './errors.ts';
import { outHeadPrefix } from './layer-list.ts';
import type { ModelSpec } from './spec.ts';
import { unetHeadPrefix, unetOutputStages, unetStrides } from './unet-parameters.ts';

/** A model to begin from. */
export interface StartModel {
  readonly spec: ModelSpec;
  readonly weights: ModelWeights;
}

/**
 * `fresh`, new weights of `spec`, with everything of `start` in its place. A head is taken over when both have it with
 * the same channels; the others stay fresh.
 * @throws {ModelsError} 'bad_spec' unless both are the same network but for heads and what acts in training alone
 */
export function startingWeights(
  spec: ModelSpec,
  fresh: ModelWeights,
  start: StartModel,
): ModelWeights {
  const difference = backboneDifference(spec, start.spec);
  if (difference !== null) throw new ModelsError({ code: 'bad_spec', ...difference });
  const known = new Map(start.weights.map(({ name, data }) => [name, data]));
  const heads = headNames(spec, start.spec);
  return fresh.map((tensor) => {
    const from = heads.has(tensor.name) ? heads.get(tensor.name) : tensor.name;
    const data = from === undefined ? undefined : known.get(from);
    return data?.length === tensor.data.length ? { ...tensor, data: data.slice() } : tensor;
  });
}

/** The first key in which two networks differ so that the weights of one are nothing to the other. */
export function backboneDifference(
  spec: ModelSpec,
  start: ModelSpec,
): { readonly path: string; readonly expected: string } | null {
  const heedless = ['heads', 'deepSupervision', 'dropoutMilli'];
  const other = comparable(start);
  for (const [key, value] of Object.entries(comparable(spec))) {
    const wanted = JSON.stringify(other[key] ?? null);
    if (heedless.includes(key) || JSON.stringify(value) === wanted) continue;
    return { path: key, expected: `${wanted}, as in the model it starts from` };
  }
  return null;
}

/** A stride may be written as one number or as three. */
function comparable(spec: ModelSpec): Readonly<Record<string, unknown>> {
  return spec.kind === 'unet' ? { ...spec, strides: unetStrides(spec) } : { ...spec };
}

/** Of every head parameter of `spec`: what it is called in `start`; undefined when its head is another there. */
function headNames(spec: ModelSpec, start: ModelSpec): Map<string, string | undefined> {
  const names = new Map<string, string | undefined>();
  for (const [head, channels] of Object.entries(spec.heads)) {
    const theirs = start.heads[head] === channels ? headPrefixes(start, head) : [];
    headPrefixes(spec, head).forEach((prefix, scale) => {
      for (const part of ['weight', 'bias']) {
        const from = theirs[scale];
        names.set(`${prefix}.${part}`, from === undefined ? undefined : `${from}.${part}`);
      }
    });
  }
  return names;
}

/** Where a head's layers are, finest first. */
function headPrefixes(spec: ModelSpec, head: string): string[] {
  return spec.kind === 'unet'
    ? unetOutputStages(spec).map((stage) => unetHeadPrefix(spec, head, stage))
    : [outHeadPrefix(head)];
}
