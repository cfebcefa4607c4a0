/** The machine under the program, as far as it decides how fast it computes. */
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';

/** What decides how fast a program computes here. */
export interface Machine {
  readonly processor: string;
  /** Of `avx2`, `avx512f`, `avx512_bf16`, `amx_bf16` and `asimd` those there are; null where the system does not tell. */
  readonly features: readonly string[] | null;
  /** Processors that this process may use. */
  readonly processorCount: number;
  readonly memoryBytes: number;
  readonly platform: string;
  readonly node: string;
}

const features = ['avx2', 'avx512f', 'avx512_bf16', 'amx_bf16', 'asimd'];

/** The machine as the system describes it. */
export function readMachine(): Machine {
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown processor',
    features: readFeatures(),
    processorCount: availableParallelism(),
    memoryBytes: totalmem(),
    platform: `${process.platform} ${process.arch}`,
    node: process.versions.node,
  };
}

/** The machine in one line, for the head of a table of measurements. */
export function machineLine(machine: Machine): string {
  const { processor, processorCount, memoryBytes, platform, node } = machine;
  const memory = `${(memoryBytes / 2 ** 30).toFixed(0)} GiB`;
  const found = machine.features === null ? '' : ` (${machine.features.join(', ') || 'no SIMD'})`;
  return `${processor}${found}, ${processorCount} cores, ${memory}, ${platform}, Node ${node}`;
}

function readFeatures(): string[] | null {
  try {
    const text = readFileSync('/proc/cpuinfo', 'utf8');
    // x86 says "flags", ARM "Features".
    const [, words = ''] = /^(?:flags|Features)\s*:(.*)$/m.exec(text) ?? [];
    const known = new Set(words.trim().split(' '));
    return features.filter((name) => known.has(name));
  } catch {
    return null;
  }
}
