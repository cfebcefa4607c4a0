/**
 * A student as a bundle of MONAI (docs.monai.io, "MONAI Bundle Specification"): metadata, weights, and a configuration
 * with which `python -m monai.bundle run` reads CTs, resamples, slides the window, and writes a label map for each task.
 */
import { utf8 } from '../base/index.ts';
import { heartLabels, tasks, type TaskId } from '../data/index.ts';
import { heartHead, type StudentPackage } from '../distill/index.ts';
import { InteropError } from './errors.ts';
import { encodeTorchFile } from './torch-file.ts';

/** Files of this package that go along as they are. */
export interface Companions {
  /** `python/load_student.py` */
  readonly loader: Uint8Array;
  readonly license: Uint8Array;
}

/** A head and where its channels stand in the joined output: heads by name, background first in each. */
interface JoinedHead {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly classes: readonly string[];
}

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** @throws {InteropError} 'two_inputs' for a model with a second input: the configuration reads CTs alone. */
export function encodeBundle(
  student: StudentPackage,
  companions: Companions,
): Map<string, Uint8Array> {
  if (student.spec.inChannels !== 1) {
    throw new InteropError(
      { code: 'two_inputs' },
      'a bundle feeds CTs alone, and this model needs a second input: export it as safetensors or onnx',
    );
  }
  const heads = joinedHeads(student);
  const json = (value: Json): Uint8Array => utf8(`${JSON.stringify(value, null, 2)}\n`);
  return new Map([
    ['LICENSE', companions.license],
    ['configs/metadata.json', json(metadata(student, heads))],
    ['configs/inference.json', json(inference(student, heads))],
    ['models/model.pt', encodeTorchFile(student.weights)],
    ['scripts/__init__.py', utf8('')],
    ['scripts/load_student.py', companions.loader],
    ['docs/README.md', utf8(readme(student, heads))],
  ]);
}

function joinedHeads({ spec }: StudentPackage): JoinedHead[] {
  let from = 0;
  return Object.entries(spec.heads)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, channels]) => {
      const labels = name === heartHead ? heartLabels : tasks[name as TaskId].labels;
      const classes = Array.from({ length: channels }, (_, n) =>
        n === 0 ? 'background' : (labels[n - 1] as string),
      );
      const head = { name, from, to: from + channels, classes };
      from = head.to;
      return head;
    });
}

function metadata({ spec, window, digest }: StudentPackage, heads: readonly JoinedHead[]): Json {
  const channels = heads.flatMap(({ name, classes }) => classes.map((label) => `${name} ${label}`));
  const place = { spatial_shape: [...window], dtype: 'float32', is_patch_data: true };
  return {
    schema:
      'https://github.com/Project-MONAI/MONAI-extra-test-data/releases/download/0.8.1/meta_schema_20240725.json',
    version: '1.0.0',
    changelog: { '1.0.0': `sealed with the digest ${digest}` },
    monai_version: '1.5.0',
    pytorch_version: '2.4.0',
    numpy_version: '1.26.4',
    required_packages_version: { nibabel: '5.2.1' },
    name: 'Cardiac CT student',
    task: 'Landmarks and calcification of the aortic root in CT',
    description:
      'A student of several teachers, trained by hospitals among themselves with Annulus. docs/README.md says what its channels are.',
    authors: 'The members of the consortium',
    copyright: 'The members of the consortium',
    data_type: 'nibabel',
    network_data_format: {
      inputs: {
        image: {
          ...{ type: 'image', format: 'hounsfield', modality: 'CT', num_channels: spec.inChannels },
          ...place,
          value_range: [],
          channel_def: { '0': 'image' },
        },
      },
      outputs: {
        pred: {
          ...{ type: 'image', format: 'segmentation', num_channels: channels.length },
          ...place,
          value_range: [],
          channel_def: Object.fromEntries(channels.map((name, n) => [String(n), name])),
        },
      },
    },
  };
}

/** Keys of a batch that hold a head's label map. */
function keyOf({ name }: JoinedHead): string {
  return `pred_${name}`;
}

function inference(student: StudentPackage, heads: readonly JoinedHead[]): Json {
  const { spec, window, spacingMm, intensity } = student;
  const { clipLowHu, clipHighHu, meanHu, stdHu } = intensity;
  const keys = heads.map(keyOf);
  const compose = (transforms: Json): Json => ({ _target_: 'Compose', transforms });
  return {
    imports: ['$import glob', '$import numpy', '$import torch', '$import scripts.load_student'],
    bundle_root: '.',
    dataset_dir: "$@bundle_root + '/input'",
    output_dir: "$@bundle_root + '/output'",
    datalist: "$[{'image': path} for path in sorted(glob.glob(@dataset_dir + '/*.nii*'))]",
    device: "$torch.device('cuda:0' if torch.cuda.is_available() else 'cpu')",
    network_def: { _target_: 'scripts.load_student.build_joined', spec: spec as unknown as Json },
    network: '$@network_def.to(@device)',
    preprocessing: compose([
      { _target_: 'LoadImaged', keys: 'image' },
      { _target_: 'EnsureChannelFirstd', keys: 'image' },
      // Axes towards the head, the front and the patient's right: depth, height and width.
      { _target_: 'Orientationd', keys: 'image', axcodes: 'SAR' },
      { _target_: 'Spacingd', keys: 'image', pixdim: [...spacingMm], mode: 'bilinear' },
      {
        ...{ _target_: 'ScaleIntensityRanged', keys: 'image', clip: true },
        ...{ a_min: clipLowHu, a_max: clipHighHu },
        ...{ b_min: (clipLowHu - meanHu) / stdHu, b_max: (clipHighHu - meanHu) / stdHu },
      },
    ]),
    dataset: { _target_: 'Dataset', data: '@datalist', transform: '@preprocessing' },
    dataloader: { _target_: 'DataLoader', dataset: '@dataset', batch_size: 1, shuffle: false },
    inferer: {
      ...{ _target_: 'SlidingWindowInferer', roi_size: [...window], sw_batch_size: 1 },
      ...{ overlap: 0.5, mode: 'gaussian' },
    },
    postprocessing: compose([
      // Back to the CT's own grid as numbers between labels, then to labels.
      {
        ...{ _target_: 'Invertd', keys: 'pred', transform: '@preprocessing', orig_keys: 'image' },
        ...{ nearest_interp: false, to_tensor: true },
      },
      { _target_: 'CopyItemsd', keys: 'pred', times: keys.length, names: keys },
      ...heads.map((head) => ({
        ...{ _target_: 'Lambdad', keys: keyOf(head) },
        func: `$lambda x: x[${head.from}:${head.to}].argmax(dim=0, keepdim=True)`,
      })),
      ...heads.map((head) => ({
        ...{ _target_: 'SaveImaged', keys: keyOf(head), output_dir: '@output_dir' },
        ...{ output_postfix: head.name, output_dtype: '$numpy.uint8', resample: false },
      })),
    ]),
    checkpointloader: {
      ...{ _target_: 'CheckpointLoader', load_path: "$@bundle_root + '/models/model.pt'" },
      ...{ load_dict: { model: '@network' }, map_location: '@device' },
    },
    evaluator: {
      ...{ _target_: 'SupervisedEvaluator', device: '@device', val_data_loader: '@dataloader' },
      ...{ network: '@network', inferer: '@inferer', postprocessing: '@postprocessing' },
      ...{ val_handlers: ['@checkpointloader'] },
    },
    initialize: ['$monai.utils.set_determinism(seed=0)'],
    run: ['$@evaluator.run()'],
  };
}

function readme(student: StudentPackage, heads: readonly JoinedHead[]): string {
  const { spec, digest, spacingMm, window } = student;
  return `# Cardiac CT student

A ${spec.kind} trained by hospitals among themselves with Annulus. Digest of its parameters, as sealed in the
consortium's log: \`${digest}\` (of \`model.safetensors\` in the other forms of this model).

    python -m monai.bundle run --config_file configs/inference.json --bundle_root . --dataset_dir CTS

writes a label map for each task and CT of the folder CTS (.nii, .nii.gz) under \`output/\`. Needs MONAI 1.5 or newer with
nibabel and ignite. In plain PyTorch: \`scripts/load_student.py\`.

Input: one channel, a window of ${window.join(' × ')} voxels of ${spacingMm.join(' × ')} mm; axes towards the head, the front and the
patient's right. Output: the channels of all heads, one after another.

| head | channels | values in its label map |
| ---- | -------- | ----------------------- |
${heads.map(({ name, from, to, classes }) => `| ${name} | ${from} to ${to - 1} | ${classes.map((label, n) => `${n} ${label}`).join(', ')} |`).join('\n')}

The labels of \`hps\` and \`ms\` are small spheres: the centre of the largest connected one is the point.
Research software. Not a medical device; not for diagnosis.
`;
}
