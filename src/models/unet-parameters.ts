/** Names and shapes of a U-Net's parameters, as nnU-Net's `dynamic_network_architectures` has them. */
import type { ParameterInfo } from './parameter.ts';
import type { Triple, UNetSpec } from './spec.ts';

/** nnU-Net's own names for one head; with several, each has its own list of output layers. */
export function unetHeadPrefix(spec: UNetSpec, head: string, stage: number): string {
  return Object.keys(spec.heads).length === 1
    ? `decoder.seg_layers.${stage}`
    : `decoder.heads.${head}.seg_layers.${stage}`;
}

/** Decoder stages with outputs, finest first: three with deep supervision, else one. */
export function unetOutputStages(spec: UNetSpec): readonly number[] {
  const finest = spec.features.length - 2;
  const count = spec.deepSupervision ? Math.min(3, finest + 1) : 1;
  return Array.from({ length: count }, (_, i) => finest - i);
}

/** The stride of each stage as a triple. */
export function unetStrides(spec: UNetSpec): readonly Triple[] {
  return spec.strides.map((stride) =>
    typeof stride === 'number' ? [stride, stride, stride] : stride,
  );
}

/** Encoder stages, decoder stages from the deepest, then output layers by head, finest first. */
export function unetParameters(spec: UNetSpec): readonly ParameterInfo[] {
  const list: ParameterInfo[] = [];
  const strides = unetStrides(spec);
  spec.features.forEach((features, stage) => {
    const from = spec.features[stage - 1] ?? spec.inChannels;
    list.push(...stageParameters(`encoder.stages.${stage}.0`, from, features, spec.convsPerStage));
  });
  for (let stage = 0; stage < spec.features.length - 1; stage++) {
    const level = spec.features.length - 2 - stage;
    const features = spec.features[level] as number;
    const below = spec.features[level + 1] as number;
    const kernel = strides[level + 1] as Triple;
    const name = `decoder.transpconvs.${stage}`;
    list.push({ name: `${name}.weight`, shape: [below, features, ...kernel], init: 'he' });
    list.push({ name: `${name}.bias`, shape: [features], init: 'zeros' });
    const prefix = `decoder.stages.${stage}`;
    list.push(...stageParameters(prefix, 2 * features, features, spec.convsPerStage));
  }
  for (const head of Object.keys(spec.heads).sort()) {
    const classes = spec.heads[head] as number;
    for (const stage of unetOutputStages(spec)) {
      const features = spec.features[spec.features.length - 2 - stage] as number;
      const name = unetHeadPrefix(spec, head, stage);
      list.push({ name: `${name}.weight`, shape: [classes, features, 1, 1, 1], init: 'he' });
      list.push({ name: `${name}.bias`, shape: [classes], init: 'background' });
    }
  }
  return list;
}

function stageParameters(prefix: string, from: number, to: number, convs: number): ParameterInfo[] {
  return Array.from({ length: convs }, (_, i): ParameterInfo[] => {
    const name = `${prefix}.convs.${i}`;
    const cIn = i === 0 ? from : to;
    return [
      { name: `${name}.conv.weight`, shape: [to, cIn, 3, 3, 3], init: 'he' },
      { name: `${name}.conv.bias`, shape: [to], init: 'zeros' },
      { name: `${name}.norm.weight`, shape: [to], init: 'ones' },
      { name: `${name}.norm.bias`, shape: [to], init: 'zeros' },
    ];
  }).flat();
}
