/** Which room answers a command. Loaded late, so that `annulus --help` does not wait for TF.js and libp2p. */
import type { RunMainJob, RunPredict, RunReproduce } from './world.ts';

/** `simulate` runs the main job. */
export async function loadMainJob(): Promise<RunMainJob> {
  return (await import('../experiment/index.ts')).runMainJob;
}

/** `reproduce` trains and compares the six arms. */
export async function loadReproduce(): Promise<RunReproduce> {
  return (await import('../experiment/index.ts')).reproduce;
}

/** `predict` finds points and calcium in a CT. */
export async function loadPredict(): Promise<RunPredict> {
  return (await import('../prediction/index.ts')).predictFile;
}
