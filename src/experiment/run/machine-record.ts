/** The machine of a run, for its record. */
import { availableParallelism, cpus, totalmem } from 'node:os';
import { backendVariant } from '../../compute/index.ts';
import { engineOptionsOf, type RunSettings } from '../../config/index.ts';
import { installedVersions } from '../../host/index.ts';
import type { MachineRecord } from '../../report/index.ts';

/** This machine as it stands at the end of a run with these settings. */
export async function machineRecord({
  compute,
}: Pick<RunSettings, 'compute'>): Promise<MachineRecord> {
  const { workers } = compute;
  return {
    platform: `${process.platform} ${process.arch}`,
    processor: cpus()[0]?.model ?? 'unknown',
    processorCount: availableParallelism(),
    memoryBytes: totalmem(),
    peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
    versions: await installedVersions(),
    backend: await backendVariant(engineOptionsOf(compute)),
    workers: workers > 0 ? workers : availableParallelism(),
  };
}
