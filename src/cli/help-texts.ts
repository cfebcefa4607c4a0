/** What stands below the flags in each command's `--help`: what happens, and examples. */
export const overview = `
Begin here:
  $ annulus simulate                        eight hospitals, about ten minutes, a report at the end
  $ annulus doctor                          what this machine can train on, and how fast
  $ annulus reproduce                       the paper's six arms compared, an hour and a half
  $ annulus audit verify runs/eight-hospitals-1
  $ annulus predict --model runs/eight-hospitals-1/model --input ct.nii.gz --output out

annulus COMMAND --help explains a command, with examples.
In the clone "annulus" is "npx annulus"; from any other folder it is the clone's bin/annulus.js.
Exit codes: 0 done, 1 a check or a run failed, 2 wrong input, 3 disk, port, peer or backend out of reach,
4 a run is whole, but rounds were closed without a member that nobody asked to leave,
129, 130 or 143 ended by SIGHUP, Ctrl-C or SIGTERM.
`;

export const simulateExamples = `
What happens: cases for every hospital, phantoms (made images with known points) or its own folder of CTs; a
teacher for each task among the hospitals that labelled it; pseudo-labels; one student among all; errors on
held-out cases. Every peer has its own identity, network host, disk folder and log.

What is written: report.html to look at, record.json as data, model/ for predict, nodes/ for audit.

Stages, in order: teacher-hps, teacher-ms, teacher-calc, student.

Examples:
  $ annulus simulate                               the main job, config/eight-hospitals.yaml
  $ annulus simulate smoke --out /tmp/smoke        everything in small, under a minute
  $ annulus simulate --seed 2                      other patients, other models
  $ annulus simulate --kill L3@student:2           one peer dies in round 2 of the student and returns
  $ annulus simulate --resume runs/my-run          go on after Ctrl-C, a crash or a power cut
  $ annulus simulate my.yaml --set training.student.rounds=12

In a virtual world (--world virtual) the same peers run on virtual machines: time, network, disks and clocks are
made up, a hospital learns a number in place of images, and a hundred of them take seconds. Nothing in record.json
comes from this machine: the same seed gives the same bytes. It holds the faults, so that --faults repeats the run.
A fault begins atMs after the start and lasts forMs:
  [{ "kind": "kill", "node": "L2", "atMs": 4000, "forMs": 3000 },
   { "kind": "cut", "from": ["L1"], "to": ["L3"], "atMs": 0, "forMs": 9000 }]
  kill, pause                    node: its power goes; its program stands still
  partition                      groups: lists of nodes that reach each other and nobody else
  cut                            from, to: what these send to those is lost
  network                        faults: latencyMsMin, latencyMsMax, dropRate, duplicateRate, breakRate, bytesPerSecond
  disk                           node, faults: writeMs, bytesMax, writesLeft, lies
  clock                          node, error: skewMs, driftPpm
  slow                           node, factor: training takes so many times as long

  $ annulus simulate smoke --world virtual --members 16 --rounds 3
  $ annulus simulate smoke --world virtual --fault-seed 5
  $ annulus simulate smoke --world virtual --faults runs/smoke-virtual-1/record.json

Settings and their reasons: config/README.md
`;

export const reproduceExamples = `
The arms: U-Net and SwinUNETR, each trained alone at every hospital that labelled a task, federated among
those hospitals, and distilled: one model for all tasks, taught by experts and by the federated U-Nets, among
all hospitals. Training and averaging are what hospitals run, without the network, which changes no number.

All are scored on held-out cases of training clients (hospitals that labelled the task) and of other clients
(that never did). A claim of the paper holds or does not, by the figures behind it; its own table stands beside.

What is written: results.json, table.txt, report.html. Every finished round, set of labels and evaluation is
on the disk: stopped or killed at any moment, the same command goes on where it was, to the same numbers. The
folder keeps its settings; further --seeds may be added to it.

Examples:
  $ annulus reproduce                              three seeds of config/reproduce.yaml, an hour and a half
  $ annulus reproduce --seeds 1                    a third of it
  $ annulus reproduce smoke --seeds 1              every part in small, about a minute; it learns little
  $ annulus reproduce --out runs/longer --set training.student.rounds=20
`;

export const casesExamples = `
A case is a folder; its name is its own affair and goes nowhere:
  train/<case>/ct.nii.gz       the CT in HU (NIfTI)
               hps.mrk.json    RCC LCC NCC RCA LCA, as 3D Slicer saves points
               ms.mrk.json     MS1 MS2
               calc.nii.gz     calcium 1, on the CT's grid
               heart.nii.gz    the heart's structures 1 to 7, for training.heart
  test/<case>/...              held out: never trained on
All but the CT may lack. A preset names the folder: consortium.hospitals[].folder.
A case that cannot be used is named and set aside, and the rest is looked at; a run does the same. What systems leave
behind (.DS_Store, Thumbs.db, desktop.ini, ._*) is passed over and counted.

Where a file can be read in more than one way, --frame, --axes and --units say how; a preset says so with
consortium.hospitals[].reading.

Examples:
  $ annulus cases /data/annulus                    exit 0 if all can be used, 1 if some are set aside
  $ annulus cases /data/annulus --pictures look.html
  $ annulus cases /data/annulus --format json
  $ annulus cases /data/annulus --axes LAS         of files without orientation
`;

export const predictExamples = `
Writes labels.nii.gz (the points as spheres), points.mrk.json (3D Slicer) and calc.nii.gz (calcium) in the space of
the CT, and heart.nii.gz if the model was taught the heart. labels.json says what the values mean.

Every answer is held against what a heart can be: how far apart the points are, their plane and sides, blood around
them, the calcium, and whether the image is a contrast CT at all. An answer that cannot be true is called implausible,
with the reasons, on standard error, in the text, the JSON and labels.json; the exit code stays 0 without --strict.

--heart is NIfTI on the CT's own grid: 1 myocardium, 2 left atrium, 3 left ventricle, 4 right atrium,
5 right ventricle, 6 aorta, 7 pulmonary artery, 0 elsewhere. A model trained with training.heart=condition needs it.

Examples:
  $ annulus predict --model runs/eight-hospitals-1/model --input ct.nii.gz --output out
  $ annulus predict --model conditioned --input ct.nii.gz --heart heart.nii.gz --output out
`;

export const exportExamples = `
safetensors   the parameters under PyTorch's names, and load_student.py, which builds the network in plain PyTorch.
onnx          one file for ONNX Runtime and others (opset 17): one window in, the logits of every task out.
bundle        a bundle of MONAI: from a folder of CTs to a label map of each task, with "monai.bundle run".

model.json goes along with the first two: grid, window and intensities that the student was taught.

Examples:
  $ annulus export --model runs/eight-hospitals-1/model --format safetensors --output student
  $ python3 student/load_student.py student
  $ annulus export --model runs/eight-hospitals-1/model --format onnx --output onnx
  $ annulus export --model runs/eight-hospitals-1/model --format bundle --output bundle
`;

export const importExamples = `
Takes what fits by name and shape, and says what it skipped, what was missing and why. Names may have anything in
front (module., network., state_dict.), be those of MONAI's or nnU-Net's classes, also of old versions; float64, float16
and bfloat16 become float32; a first convolution of other input channels is summed. config/models/README.md has the networks.

A .pth is a pickle, which runs code when it is opened. Convert it where you trust it (pip install torch safetensors):

  import torch
  from safetensors.torch import save_file
  state = torch.load("weights.pth", map_location="cpu", weights_only=True)
  state = state.get("network_weights", state.get("state_dict", state))
  save_file({k: v.clone().contiguous() for k, v in state.items() if torch.is_tensor(v)}, "weights.safetensors")

nnU-Net's own files hold more than tensors and need weights_only=False.

Examples:
  $ annulus import weights.safetensors --model small-swin-unetr --output start
  $ annulus simulate --set training.student.start=start
`;

export const auditExamples = `
Checks the manifest's signatures, every block's certificate, every entry, the Merkle tree and its
cosigned head, and says who took part in each round, with what weight, and which model came out. Of a
run also that all members are there with their own logs, that blobs have their digests, and that model/
is the last sealed model. Ends with what it did not check.

Examples:
  $ annulus audit verify runs/eight-hospitals-1             all nodes' logs, and that they agree
  $ annulus audit verify runs/eight-hospitals-1/nodes/L3    one node's
  $ annulus audit verify copies --allow-missing             copies/nodes/ of some of the members
`;

export const doctorExamples = `
Ends with 0 when something here can train, with 3 when nothing can.

Examples:
  $ annulus doctor                          with a speed test of about ten seconds
  $ annulus doctor --quick --format json    for scripts
`;
