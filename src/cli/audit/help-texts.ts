/** Help texts of the auditor's commands. */

/** Below the commands of `annulus audit --help`. */
export const auditOverview = `
A log is what every hospital keeps of what the consortium agreed on: each decided block and each signed update is an entry of a
Merkle tree. All commands verify the log first and say what is wrong with it. Other programs can check it too: docs/auditing.md.

Examples:
  $ annulus audit verify runs/eight-hospitals-1                        everything, of all nodes
  $ annulus audit info runs/eight-hospitals-1/nodes/L3                 what it is
  $ annulus audit search runs/eight-hospitals-1 --round 4 --member L3  what L3 did in round 4
  $ annulus audit search runs/eight-hospitals-1 --copy L3 --own        what L3 wrote down of itself
  $ annulus audit get runs/eight-hospitals-1 17                        entry 17, readable
  $ annulus audit proof runs/eight-hospitals-1 17 --output proof       for somebody without the log
  $ annulus audit check-proof proof/entry-17.json proof/entry-17.tlog-proof proof/policy
  $ annulus audit diff mine/log theirs/log                             was anybody told another history?
  $ annulus audit export runs/eight-hospitals-1 --output for-auditor   a folder for somebody without Annulus
  $ annulus audit replay runs/eight-hospitals-1 4                      is the model of round 4 the average?
`;

/** Below the flags of `annulus audit verify --help`. */
export const auditExamples = `
Checks the manifest's signatures, the certificate of every block, every entry, the Merkle tree and its cosigned
checkpoint. Prints who took part in each round, with what weight, and which model came out. For a node's
folder it also checks blobs against their digests, and the node's own log against its heads in the shared one; for the
folder of a run, that all members are there, and that model/ is the last sealed model. At the end it lists what it did not check.

Examples:
  $ annulus audit verify runs/eight-hospitals-1             all nodes' logs, and that they agree
  $ annulus audit verify runs/eight-hospitals-1/nodes/L3    one node's
  $ annulus audit verify copies --allow-missing             copies/nodes/ of some of the members
`;

/** Below the flags of `annulus audit replay --help`. */
export const replayHelp = `
Updates are encrypted for the members. On a member's machine --home opens them; an auditor gets a file of one round's keys from
a member (annulus audit disclose) and works offline on a copy. Nothing is written into the folders that are read.

  exact     the model is made again and compared to the last bit, robust rules too
  sharded   as exact; needs the folders of all members, as each keeps some shards only: --more
  mixing    needs the folders of all members; the mean is compared with the sealed model within the agreed bound

Members keep updates of the last rounds only: peer.updateRoundsKept and peer.modelRoundsKept in node.yaml.

Examples:
  $ annulus audit replay runs/eight-hospitals-1 4                      a simulated run: its keys follow from its seed
  $ annulus audit replay /var/lib/annulus/home 4                       on a member's machine
  $ annulus audit disclose /var/lib/annulus/home 4 --output round-4.keys
  $ annulus audit replay copy 4 --keys round-4.keys                    an auditor, elsewhere
`;
