/**
 * Names of parameters as other programs and older versions write them. Wrappers put words in front (`module.`,
 * `network.`, `state_dict.`), and one network is a part of another (`swinViT.`): both are found by counting.
 */
import { parameterList, type ModelSpec } from '../models/index.ts';

/** What older and wrapping classes call the same parameter; tried in order, each at most once. */
const renamings: readonly (readonly [RegExp, string])[] = [
  // nnU-Net's decoder holds its encoder, and each layer its parts, a second time.
  [/(^|\.)decoder\.encoder\./, '$1encoder.'],
  [/\.all_modules\.0\./, '.conv.'],
  [/\.all_modules\.[12]\./, '.norm.'],
  // nnU-Net version 1, `Generic_UNet`.
  [/(^|\.)conv_blocks_context\.(\d+)\.blocks\.(\d+)\./, '$1encoder.stages.$2.0.convs.$3.'],
  [/(^|\.)conv_blocks_context\.(\d+)\.(\d+)\.blocks\.0\./, '$1encoder.stages.$2.0.convs.$3.'],
  [/(^|\.)conv_blocks_localization\.(\d+)\.(\d+)\.blocks\.0\./, '$1decoder.stages.$2.convs.$3.'],
  [/\.instnorm\./, '.norm.'],
  [/(^|\.)tu\.(\d+)\./, '$1decoder.transpconvs.$2.'],
  [/(^|\.)seg_outputs\.(\d+)\./, '$1decoder.seg_layers.$2.'],
  // MONAI's Swin transformer before 0.9, and in the weights of its self-supervised training.
  [/\.mlp\.fc([12])\./, '.mlp.linear$1.'],
  // MONAI's patch embedding as a linear layer, the default of UNETR before 1.3.
  [/\.patch_embeddings\.1\./, '.patch_embeddings.'],
];

/** Where a file's names begin, and what stands there in ours. */
export interface NamePrefix {
  readonly theirs: string;
  readonly ours: string;
}

/** `name` as the newest classes write it. */
export function modernName(name: string): string {
  return renamings.reduce((text, [old, modern]) => text.replace(old, modern), name);
}

/** Parts of our networks that are networks of their own elsewhere. */
const roots: Readonly<Record<ModelSpec['kind'], readonly string[]>> = {
  unet: [''],
  'swin-unetr': ['', 'swin_unetr.', 'swin_unetr.swinViT.'],
  unetr: ['', 'unetr.', 'unetr.vit.'],
};

/**
 * The prefixes under which most of `names` (modern ones) are parameters of `spec`, the shorter of equals; `null` when
 * none is.
 */
export function namePrefix(spec: ModelSpec, names: readonly string[]): NamePrefix | null {
  const expected = new Set(parameterList(spec).map(({ name }) => name));
  const votes = new Map<string, { readonly prefix: NamePrefix; count: number }>();
  for (const name of names) {
    for (const start of startsOfWords(name)) {
      for (const ours of roots[spec.kind]) {
        if (!expected.has(ours + name.slice(start))) continue;
        const prefix = { theirs: name.slice(0, start), ours };
        const key = JSON.stringify(prefix);
        const vote = votes.get(key) ?? { prefix, count: 0 };
        vote.count += 1;
        votes.set(key, vote);
      }
    }
  }
  const [best] = [...votes.values()].sort(
    (a, b) => b.count - a.count || a.prefix.theirs.length - b.prefix.theirs.length,
  );
  return best?.prefix ?? null;
}

/** 0 and the places after each of the first dots. */
function startsOfWords(name: string): number[] {
  const starts = [0];
  for (
    let dot = name.indexOf('.');
    dot >= 0 && starts.length < 8;
    dot = name.indexOf('.', dot + 1)
  ) {
    starts.push(dot + 1);
  }
  return starts;
}
