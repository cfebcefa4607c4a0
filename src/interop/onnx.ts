/** A student as an ONNX file: one window in, the logits of every head out. */
import { taskIds, tasks } from '../data/index.ts';
import type { StudentPackage } from '../distill/index.ts';
import { buildModel, type ParameterMap } from '../models/index.ts';
import { OnnxGraph } from './onnx-graph.ts';
import { channelsFirst, traced, tracingEngine } from './traced-ops.ts';

/**
 * Input `image` [1, channels, d, h, w] of normalised intensities and the student's own window; one output for each head,
 * [1, classes, d, h, w]. Parameters keep PyTorch's names; grid, intensities and labels are among the properties.
 */
export function encodeOnnx(student: StudentPackage): Uint8Array {
  const { spec, weights, window, digest, intensity, spacingMm } = student;
  const graph = new OnnxGraph();
  const parameters = new Map(
    weights.map(({ name, shape, data }) => [
      name,
      traced(shape, { last: graph.parameter(name, shape, data) }),
    ]),
  );
  const image = graph.input('image', [1, spec.inChannels, ...window]);
  const x = traced([1, ...window, spec.inChannels], { first: image });
  const model = buildModel(tracingEngine(graph), spec);
  const outputs = model.forward(parameters as unknown as ParameterMap, x as never, {
    training: false,
  });
  for (const [head, [logits]] of Object.entries(outputs)) {
    const name = channelsFirst(graph, logits as unknown as typeof x);
    graph.output(head, name, [1, spec.heads[head] as number, ...window]);
  }
  const labels = Object.fromEntries(
    taskIds.filter((id) => id in spec.heads).map((id) => [id, ['background', ...tasks[id].labels]]),
  );
  const properties = { digest, spec, window, spacingMm, intensity, labels };
  return graph.encode(
    'annulus-student',
    Object.fromEntries(
      Object.entries(properties).map(([key, value]) => [
        key,
        typeof value === 'string' ? value : JSON.stringify(value),
      ]),
    ),
  );
}
