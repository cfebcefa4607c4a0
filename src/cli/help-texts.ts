/** What stands below the flags in each command's `--help`: what happens, and examples. In one file because all of it is text. */
/** Below the commands of `annulus --help`. */
export const overview = `
Begin here:
  $ annulus simulate                        eight hospitals, about ten minutes, with a report at the end
  $ annulus doctor                          what this machine can train on, and how fast
  $ annulus reproduce                       compares the paper's six arms; an hour and a half
  $ annulus audit verify runs/eight-hospitals-1
  $ annulus predict --model runs/eight-hospitals-1/model --input ct.nii.gz --output out

To train with other hospitals:
  $ annulus init --id L1 --address annulus.hospital.example:4001 --labels hps,ms
  $ annulus consortium --help               how hospitals found a consortium, and change it

annulus COMMAND --help explains a command, with examples.
In the cloned folder, type "npx annulus" for "annulus"; in other folders, the path of the clone's bin/annulus.js.

Exit codes:
  0              done
  1              a check failed, or a run failed
  2              wrong input
  3              a disk, port, peer or backend cannot be used
  4              the run is complete, but some rounds ended without a member that should have taken part
  129, 130, 143  ended by SIGHUP, Ctrl-C or SIGTERM
`;

/** Below the flags of `annulus simulate --help`. */
export const simulateExamples = `
What happens:
  1. Every hospital gets its cases: phantoms (images made by a program, with known points) or its own folder of CTs.
  2. For each task, the hospitals that labelled it train a teacher together.
  3. The teachers label the images of every hospital (pseudo-labels).
  4. All hospitals train one student together.
  5. Teachers and student are tested on held-out cases.
Every peer has its own identity, network host, disk folder and log.

What is written: report.html to look at, record.json as data, model/ for "annulus predict", nodes/ for "annulus audit".

Stages, in order: teacher-hps, teacher-ms, teacher-calc, student.

Examples:
  $ annulus simulate                               the main job, config/eight-hospitals.yaml
  $ annulus simulate smoke --out /tmp/smoke        a small version of everything, under a minute
  $ annulus simulate --seed 2                      other patients, other models
  $ annulus simulate --kill L3@student:2           one peer stops in round 2 of the student, and comes back
  $ annulus simulate --resume runs/my-run          continue after Ctrl-C, a crash or a power cut
  $ annulus simulate my.yaml --set training.student.rounds=12

Presets of the laboratory (far-apart, topologies, tiny, …) have a thousand nodes and no consensus; docs/lab.md:
  $ annulus simulate tiny                          eight nodes, and what a run leaves
  $ annulus simulate tiny --snapshot 10 --out kept
  $ annulus simulate --fork-at kept:10 --set topology.kind=complete
  $ annulus simulate kept/record.json              again, to the same bytes

In a virtual world (--world virtual) the same peers run on virtual machines: time, network, disks and clocks are
made up, a hospital learns a few numbers in place of images, and a hundred of them fit one process. Nothing in record.json
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
An attack is one object: what some members, the liars, do:
  { "kind": "sign-flip", "factor": 10, "liars": ["L4"] }
  sign-flip, scale               factor: of what they learnt, the opposite or more of it
  noise, free-rider              stdDev: noise on what they learnt, or in its place
  alie, ipm, min-max             z (or none); epsilon; direction: unit, sign or deviation
  label-flip, weight-lie, stale  –; samples; rounds: learnt from wrong labels, with a false weight, or long ago
  withhold, late, flood          answers; delayMs; copies
  two-faced, lying-reducers      –; isTwofold: sign two statements where one is due, or false sums of shards

  $ annulus simulate smoke --world virtual --members 16 --rounds 3
  $ annulus simulate smoke --world virtual --fault-seed 5
  $ annulus simulate smoke --world virtual --faults runs/smoke-virtual-1/record.json
  $ annulus simulate smoke --world virtual --attack attack.json --set training.robust.kind=centred-clip

Settings and their reasons: config/README.md
`;

/** Below the flags of `annulus reproduce --help`. */
export const reproduceExamples = `
The six arms are two networks, U-Net and SwinUNETR, each trained in three regimes:
  local       each hospital that labelled a task trains alone
  federated   the hospitals that labelled a task train together
  distilled   all hospitals train one model for all tasks, on the labels of experts and of the federated U-Nets
Training and averaging are the same as in "annulus simulate", only without a network; the numbers are the same too.

Each model is tested on held-out cases of training clients (hospitals that labelled the task) and of other clients
(hospitals that did not). For each claim of the paper you see whether it holds here, and the figures that decide. The
paper's own table stands beside ours.

What is written: results.json, table.txt, report.html. Every finished round, label and evaluation is kept on the disk.
You can stop the command at any time: the same command continues where it stopped, and gives the same numbers. You can
add --seeds later; all other settings of the folder stay as they are.

Examples:
  $ annulus reproduce                              three seeds of config/reproduce.yaml, an hour and a half
  $ annulus reproduce --seeds 1                    one seed of the three
  $ annulus reproduce smoke --seeds 1              a small version of everything, about a minute; it learns little
  $ annulus reproduce --out runs/longer --set training.student.rounds=20
`;

/** Below the flags of `annulus export --help`. */
export const exportExamples = `
safetensors   the parameters under PyTorch's names, and load_student.py, which builds the network in plain PyTorch.
onnx          one file for ONNX Runtime and others (opset 17). Input: one window. Output: the logits of every task.
bundle        a MONAI bundle: "monai.bundle run" makes a label map of each task for every CT in a folder.

The first two come with model.json: the grid, window and intensities that the student was trained with.

Examples:
  $ annulus export --model runs/eight-hospitals-1/model --format safetensors --output student
  $ python3 student/load_student.py student
  $ annulus export --model runs/eight-hospitals-1/model --format onnx --output onnx
  $ annulus export --model runs/eight-hospitals-1/model --format bundle --output bundle
`;

/** Below the flags of `annulus import --help`. */
export const importExamples = `
Uses every tensor that fits by name and shape, and prints what it skipped, what was missing, and why. It knows the names
of MONAI's and nnU-Net's classes, also of old versions, with any prefix (module., network., state_dict.). float64, float16
and bfloat16 become float32. If the first convolution has another number of input channels, channels are added up or filled
with zeros. config/models/README.md describes the networks.

A .pth file is a pickle: opening it can run code. If you trust it, convert it (pip install torch safetensors):

  import torch
  from safetensors.torch import save_file
  state = torch.load("weights.pth", map_location="cpu", weights_only=True)
  state = state.get("network_weights", state.get("state_dict", state))
  save_file({k: v.clone().contiguous() for k, v in state.items() if torch.is_tensor(v)}, "weights.safetensors")

nnU-Net's own files contain more than tensors and need weights_only=False.

Examples:
  $ annulus import weights.safetensors --model small-swin-unetr --output start
  $ annulus simulate --set training.student.start=start
`;

/** Below the flags of `annulus doctor --help`. */
export const doctorExamples = `
The exit code is 0 when this machine can train, and 3 when it cannot.

Examples:
  $ annulus doctor                          includes a speed test of about ten seconds
  $ annulus doctor --quick --format json    for scripts
  $ annulus doctor bundle -o help.zip       what a node shows to whoever is to help; see annulus doctor bundle --help
`;

/** Below the flags of `annulus init --help`. */
export const initExamples = `
What is made, all on this machine:
  the home        keys of the node, settings (node.yaml), later the manifests and the log; for its owner alone
  ID-org.key      the organisation's key. It signs who is a member and nothing else. The node does not need it: move it
                  to a stick or into a safe, where two people know its passphrase
  ID.join-request.json
                  public keys, addresses and labels, with proofs that you have the private keys. Send it to the others
Eight words are printed. Read them out by phone to each of the others: they see the same words where your hospital
stands in the manifest. Mail can be changed on its way; a voice that you know cannot.

Two passphrases, 12 characters at least: of the node's keys and of the organisation's key. They are asked for; or come from
--passphrase-file, ANNULUS_PASSPHRASE_FILE, ANNULUS_PASSPHRASE or the systemd credential annulus-passphrase, and from
--org-passphrase-file and ANNULUS_ORG_PASSPHRASE_FILE likewise. Never from the command line.

Examples:
  $ annulus init --id L1 --address annulus.l1.example:4001 --labels hps,ms
  $ annulus init --id L9 --address [2001:db8::9]:4001 --invitation invite.json
  $ annulus init --id L5                           can only dial out, and has no labels
`;

/** Below `annulus consortium --help`. */
export const membershipOverview = `
To found one, with four hospitals:
  1. each         annulus init --id L1 --address host:port --labels hps,ms     and sends L1.join-request.json to L1
  2. one, L1      annulus consortium draft --name "Heart ring" --domain ring.example --preset eight-hospitals *.join-request.json
  3. each         annulus consortium sign heart-ring-v0.draft.json             compares the words by phone, and signs
  4. one          annulus consortium combine heart-ring-v0.signed-*.json       into heart-ring-v0.json
  5. each         annulus join heart-ring-v0.json

To change one that runs: a member drafts the next version from its home (--add, --remove, --replace, --preset), two thirds of the
members before and after sign it, everybody who is new signs too, and one member has it ordered (consortium submit).
Its own node's keys, addresses and labels a member renews alone: annulus member rotate.
`;

/** Below the flags of `annulus consortium draft --help`. */
export const draftExamples = `
A first version takes the join requests of all members. A later one goes on from the newest version in the home, or from --from.

What is trained follows from a preset and from what each member labels: for each task that somebody labels a teacher of those
who do, then one student of all. In a later version everything stays as agreed: newcomers take part in the stages whose task they
label and in the student's, and who leaves is taken out. With --preset the whole plan is made anew.

With --restart the version follows without votes, after the last block of this home: for a consortium that has lost more members for
good than may be away. Two thirds of all organisations sign it, those of the lost machines too. Draft it at the member with the
greatest height, and hand it in at each member who remains. docs/running-a-node.md has the steps.

Examples:
  $ annulus consortium draft --name "Heart ring" --domain ring.example --preset smoke L?.join-request.json
  $ annulus consortium draft --add L9.join-request.json
  $ annulus consortium draft --remove L3 --replace L2.join-request.json
  $ annulus consortium draft --restart --remove L3 --remove L4
  $ annulus consortium draft --from heart-ring-v0.json --preset eight-hospitals --set training.student.rounds=40
`;

/** Below the flags of `annulus consortium sign --help`. */
export const signExamples = `
Shows what the version says and changes, then asks. Compare the words of every new member by phone before you say yes.
Refused are: a version that does not follow the one you have, a line of your hospital that is not exactly its own, a wrong or
strange signature. An organisation whose key changes signs with both: once with --org-key OLD, once with --org-key NEW.

Examples:
  $ annulus consortium sign heart-ring-v0.draft.json --org-key /media/stick/L1-org.key
  $ annulus consortium sign heart-ring-v0.draft.json --request L1.join-request.json     where the home is elsewhere
`;

/** Below the flags of `annulus consortium combine --help`. */
export const combineExamples = `
Says which signatures are missing, and writes the file in any case: what comes later is added to it by the same command.

Examples:
  $ annulus consortium combine heart-ring-v0.signed-*.json
  $ annulus consortium combine first.json second.json -o heart-ring-v1.json
`;

/** Below the flags of `annulus consortium submit --help`. */
export const submitExamples = `
The node of any member takes it. It is in force from a height on that all agree on, between two rounds; annulus status says when.
Exit code 0 when it is on its way or in force already, 1 when the node refuses it, with what to do.
A restart is not voted for: each member who remains hands it to its own node, which asks once more. It is refused while enough
members are connected to decide; --despite-quorum is for members that are connected and must not vote any more.

Examples:
  $ annulus consortium submit heart-ring-v1.json
`;

/** Below the flags of `annulus consortium show --help`. */
export const showExamples = `
Checks no right to sign and refuses nothing that can be read. Everybody who shows the same version sees the same words.

Examples:
  $ annulus consortium show heart-ring-v1.draft.json
  $ annulus consortium show heart-ring-v1.json --from heart-ring-v0.json --format json
`;

/** Below the flags of `annulus invite --help`. */
export const inviteExamples = `
The invitation says which consortium it is and holds all versions of its manifest, signed by your organisation. It is no
secret and no permission: the hospital is a member when the others have signed a version with it.

Examples:
  $ annulus invite --org-key /media/stick/L1-org.key
  $ annulus invite -o for-L9.json --days 14
`;

/** Below the flags of `annulus join --help`. */
export const joinExamples = `
Every version is verified against the one before, and the last must name the keys of this home. What is stale, of another
consortium, not signed as it must be or without these keys is refused, and the home stays as it was.

Examples:
  $ annulus join heart-ring-v0.json
  $ annulus join invite.json heart-ring-v1.json
`;

/** Below the flags of `annulus member rotate --help`. */
export const rotateExamples = `
When: a machine was lost or copied, a node does not vote any more because its key was used elsewhere, an address changed,
or once a year. The new keys stay beside those in use until the version is in force; your organisation's signature is enough.

With --new-org-key the organisation gets another key, for instance because a stick was lost. That the others must sign: a
join request is written for consortium draft --replace.

Examples:
  $ annulus member rotate --org-key /media/stick/L1-org.key
  $ annulus member rotate --address new.l1.example:4001
  $ annulus member rotate --new-org-key L1-org-2.key
`;

/** Below the flags of `annulus member revoke --help`. */
export const revokeExamples = `
The others sign the draft, and one has it ordered. From then on the member's node is shut out: it reads nothing new.

Examples:
  $ annulus member revoke L3
`;

/** Below the flags of `annulus member list --help`. */
export const listExamples = `
Examples:
  $ annulus member list
  $ annulus member list --format json
`;

/** Below the flags of `annulus backup --help`. */
export const backupExamples = `
The node must be stopped. In the file: the node's keys, settings, manifests, log and votes. Not in it: the organisation's key,
models, which the others have, and your cases. It has a passphrase of its own, asked for or from --passphrase-file,
ANNULUS_BACKUP_PASSPHRASE_FILE or ANNULUS_BACKUP_PASSPHRASE.

Examples:
  $ annulus backup -o L1-2026-11-29.backup
  $ annulus backup -o L1.backup --passphrase-file /root/backup-passphrase
`;

/** Below the flags of `annulus restore --help`. */
export const restoreExamples = `
A restored node has forgotten what it signed since the backup. It follows the others and does not vote until somebody has confirmed
that it is the only one (--confirm, while it runs or before), it has caught up, and the others have shown its votes; if it learns of
a vote that it forgot it never votes again with these keys: annulus member rotate gives it new ones. A home that was copied to
another folder is treated alike. Never run the old and the restored node both.

Examples:
  $ annulus restore L1.backup
  $ annulus restore L1.backup --home /srv/annulus
  $ annulus restore --confirm
`;
