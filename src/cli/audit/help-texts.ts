/** Help texts of the auditor's commands. */

/** Below the commands of `annulus audit --help`. */
export const auditOverview = `
A log is what every hospital keeps of what the consortium agreed on: each decided block and each signed update is an entry of a
Merkle tree. All commands verify the log first and say what is wrong with it. Other programs can check it too: docs/auditing.md.

Examples:
  $ annulus audit verify runs/eight-hospitals-1                        everything, of all nodes
  $ annulus audit info runs/eight-hospitals-1/nodes/L3                 what it is
  $ annulus audit search runs/eight-hospitals-1 --round 4 --member L3  what L3 did in round 4
  $ annulus audit get runs/eight-hospitals-1 17                        entry 17, readable
  $ annulus audit proof runs/eight-hospitals-1 17 --output proof       for somebody without the log
  $ annulus audit check-proof proof/entry-17.json proof/entry-17.tlog-proof proof/policy
  $ annulus audit diff mine/log theirs/log                             was anybody told another history?
  $ annulus audit export runs/eight-hospitals-1 --output for-auditor   a folder for somebody without Annulus
`;

/** Below the flags of `annulus audit verify --help`. */
export const auditExamples = `
Checks the manifest's signatures, the certificate of every block, every entry, the Merkle tree and its cosigned
checkpoint. Prints who took part in each round, with what weight, and which model came out. For the folder of a run it
also checks that all members are there with their own logs, that blobs have their digests, and that model/ is the last
sealed model. At the end it lists what it did not check.

Examples:
  $ annulus audit verify runs/eight-hospitals-1             all nodes' logs, and that they agree
  $ annulus audit verify runs/eight-hospitals-1/nodes/L3    one node's
  $ annulus audit verify copies --allow-missing             copies/nodes/ of some of the members
`;
