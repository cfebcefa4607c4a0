/**
 * The record of a run: everything its report shows, as plain JSON. `simulate` fills it in, `record.json`
 * keeps it, `renderReport` draws it. Numbers in the unit of their name; `null` means "not measured".
 */

/** Written into `record.json`; a reader refuses another. */
export const recordVersion = 1;

/** The content of `record.json`. */
export interface RunRecord {
  readonly version: typeof recordVersion;
  /** Short name of the run; also its folder. */
  readonly id: string;
  readonly preset: string;
  readonly seed: number;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly finishedAt: string;
  /** What it ran on; null in virtual time, which passes alike everywhere. */
  readonly machine: MachineRecord | null;
  /** Of a run in virtual time, else null. */
  readonly virtual: VirtualRecord | null;
  readonly consortium: ConsortiumRecord;
  /** Wall time of each part of the run, in order. */
  readonly stages: readonly StageTime[];
  /** Every sealed or void round, in order. */
  readonly rounds: readonly RoundRecord[];
  /** One row per model, task and hospital. */
  readonly evaluation: readonly EvaluationRow[];
  /** One row per model, task and group over all its test cases: what the box plots draw. */
  readonly groups: readonly EvaluationGroup[];
  readonly slices: readonly SlicePicture[];
  readonly nodes: readonly NodeRecord[];
  /** SHA-256 of the student in the log's last SEAL; `null` when the run did not get there. */
  readonly sealedDigest: string | null;
  readonly log: LogVerdict;
  readonly faults: readonly FaultRecord[];
  /** The run's settings as given, for whoever wants to repeat it. */
  readonly settings: unknown;
}

/** What the run was computed on. */
export interface MachineRecord {
  /** For instance `linux x64`. */
  readonly platform: string;
  readonly processor: string;
  readonly processorCount: number;
  readonly memoryBytes: number;
  /** Highest resident size of the process, with its threads. */
  readonly peakMemoryBytes: number;
  /** Version by name: `annulus`, `node`, `libp2p`, `tfjs`. */
  readonly versions: Readonly<Record<string, string>>;
  /** What computed, with what its rounding depends on: `native avx2`, `wasm`, `cpu`. */
  readonly backend: string;
  readonly workers: number;
}

/** What a virtual world was told, and what it counted. With seed and settings it is the whole run. */
export interface VirtualRecord {
  /** As `annulus simulate --world virtual --faults` takes them. */
  readonly faults: readonly VirtualFault[];
  /** As `--attack` takes it; absent where nobody lied. */
  readonly attack?: VirtualAttack;
  /** Whether all nodes carried out the plan, an invariant was broken, or time was up. */
  readonly outcome: 'done' | 'violation' | 'late';
  /** Messages given to the network, one for each receiver, and those that came. */
  readonly messages: { readonly sent: number; readonly delivered: number };
  /** Keys and signatures that were made and checked, by what was done. */
  readonly crypto: Readonly<Record<string, number>>;
}

/** What some members of a virtual world did against the others; how depends on its kind. */
export interface VirtualAttack {
  readonly kind: string;
  readonly liars: readonly string[];
}

/** A fault of a virtual world; what it is about depends on its kind. */
export interface VirtualFault {
  readonly kind: string;
  /** From the start of the run, ms. */
  readonly atMs: number;
  readonly forMs: number;
}

/** Who took part, as in the manifest. */
export interface ConsortiumRecord {
  readonly name: string;
  /** SHA-256 of the manifest: the consortium's id. */
  readonly id: string;
  readonly tasks: readonly TaskRecord[];
  readonly hospitals: readonly HospitalRecord[];
}

/** A task that somebody labelled. */
export interface TaskRecord {
  readonly id: string;
  readonly title: string;
  readonly kind: 'points' | 'segmentation';
  readonly labels: readonly string[];
}

/** One hospital, with what it held. */
export interface HospitalRecord {
  readonly id: string;
  /** Expert-labelled training cases by task; a task without a key has none. */
  readonly labelled: Readonly<Record<string, number>>;
  /** Cases to train on, with and without an expert's label. */
  readonly training: number;
  readonly test: number;
  /** In a few words: how this hospital's images and labels differ. */
  readonly scanner: string;
  readonly annotator: string;
}

/** A part of the run, with its wall time. */
export interface StageTime {
  /** `data`, `network`, `teacher-hps`, …, `student`, `evaluation`. */
  readonly id: string;
  readonly title: string;
  readonly ms: number;
}

/** One round, as the log has it, with what was measured of it. */
export interface RoundRecord {
  /** Number over the whole run, from 1. */
  readonly round: number;
  /** Stage as in the plan: `teacher-hps`, `student`. */
  readonly stage: string;
  /** Number within the stage, from 1. */
  readonly stageRound: number;
  readonly outcome: 'sealed' | 'void';
  /** Height of the SEAL or VOID block. */
  readonly height: number;
  readonly ms: number;
  readonly participants: readonly ParticipantRecord[];
  /** In OPEN and not in CUT. */
  readonly excluded: readonly { readonly node: string; readonly reason: string }[];
  /** SHA-256 of the new model; `null` for a void round. */
  readonly modelDigest: string | null;
  /** Of a round that was mixed: exchanges, and how far the model may be from anybody's own who voted for it. */
  readonly mixed?: { readonly steps: number; readonly epsilon: number };
  /** Encrypted size of the largest update in the average; 0 for a void round. */
  readonly updateBytes: number;
  /** Median errors of the sealed model on all held-out cases, where they were taken after this round. */
  readonly checks: readonly RoundCheck[];
}

/** A hospital whose update entered the average. */
export interface ParticipantRecord {
  readonly node: string;
  /** Weight in the average. */
  readonly weight: number;
  /** Mean training loss over the round's steps. */
  readonly loss: number | null;
}

/** A median error after one round. */
export interface RoundCheck {
  readonly task: string;
  /** `mm` for points, `dice` for a segmentation. */
  readonly unit: 'mm' | 'dice';
  readonly value: number;
}

/** Distribution of one figure; `null` where there is nothing to take it from. */
export interface Distribution {
  readonly n: number;
  readonly median: number | null;
  readonly lowerQuartile: number | null;
  readonly upperQuartile: number | null;
}

/** One model in one task at one hospital. */
export interface EvaluationRow {
  /** `student`, `teacher`. */
  readonly model: string;
  readonly task: string;
  readonly hospital: string;
  /** `training`: this hospital labelled the task; `other`: it never did. */
  readonly group: 'training' | 'other';
  readonly unit: 'mm' | 'dice';
  /** Distance of the found points, or Dice of the cases that have the structure. */
  readonly value: Distribution;
  /** Share of points not found; `null` for a segmentation. */
  readonly missRate: number | null;
  /** Cases without the structure: Dice is undefined there, so they are not in `n`. */
  readonly undefinedCount: number;
}

/** One model in one task over all hospitals that labelled it, or that never did. */
export interface EvaluationGroup {
  readonly model: string;
  readonly task: string;
  readonly group: 'training' | 'other';
  readonly unit: 'mm' | 'dice';
  /** Every single figure; missed points are not among them. */
  readonly values: readonly number[];
  readonly missRate: number | null;
}

/** One picture: gray values with points and areas on it. */
export interface SlicePicture {
  readonly title: string;
  readonly caption: string;
  readonly width: number;
  readonly height: number;
  /** Width of a pixel over its height, for grids that are not square. */
  readonly pixelAspect: number;
  /** Height of a pixel in mm: how large what is shown is. */
  readonly pixelMm: number;
  /** What lies beyond each edge, a letter each: R and L are the patient's, A and P front and back, S and I head and feet. */
  readonly sides: {
    readonly left: string;
    readonly right: string;
    readonly top: string;
    readonly bottom: string;
  };
  /** Rows from the top, one byte a pixel, base64. */
  readonly gray: string;
  readonly points: readonly SlicePoint[];
  /** Areas laid over it: one byte a pixel, not 0 where it belongs, base64. */
  readonly areas: readonly { readonly kind: 'truth' | 'predicted'; readonly mask: string }[];
  /** Lines laid over it, corners in pixels as of points; absent where there are none. */
  readonly lines?: readonly SliceLine[];
}

/** A line on a picture. */
export interface SliceLine {
  readonly label: string;
  readonly path: readonly (readonly [x: number, y: number])[];
}

/** A point on a picture. */
export interface SlicePoint {
  /** Pixels from the left edge and from the top; the centre of the first pixel is 0.5. */
  readonly x: number;
  readonly y: number;
  readonly label: string;
  /** `reference`: where another program found it; not an expert's truth. */
  readonly kind: 'truth' | 'predicted' | 'reference';
  /** Distance from the slice in mm: points further off are drawn fainter. */
  readonly offSliceMm: number;
}

/** One node at the end of the run. */
export interface NodeRecord {
  readonly id: string;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** SHA-256 of the student this node ended with. */
  readonly modelDigest: string | null;
  readonly logSize: number;
  readonly logRoot: string;
  readonly height: number;
}

/** The audit of all logs of the run. */
export interface LogVerdict {
  /** What `audit verify` said about every node's log. */
  readonly ok: boolean;
  readonly nodesVerified: number;
  readonly entries: number;
  readonly root: string;
  /** Cosignatures on the last checkpoint, and how many one needs. */
  readonly cosignatures: number;
  readonly quorum: number;
  /** The verifier's findings; empty when `ok`. */
  readonly findings: readonly string[];
}

/** Something that befell a node. */
export interface FaultRecord {
  /** A member, or `all`. */
  readonly node: string;
  /** `disturbed` and `over`: a fault of a virtual world that stops no peer begins and ends. */
  readonly kind: 'killed' | 'restarted' | 'caught-up' | 'excluded' | 'disturbed' | 'over';
  readonly round: number;
  readonly stage: string;
  /** Milliseconds after the start of the run. */
  readonly atMs: number;
  /** In one sentence, for the report. */
  readonly note: string;
}
