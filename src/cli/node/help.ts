/** What stands below the flags of the commands about a node. */

/** Below the flags of `annulus start --help`. */
export const startExamples = `
What happens:
  1. Machine and home are looked at, as by annulus preflight; the home is locked, its settings (node.yaml) are read, its keys opened.
  2. The hospital's own cases are taken from their folder; what cannot be used is set aside and counted.
  3. The node listens, meets the other members of the manifest and takes part in their rounds, from where it was.
It goes on when the plan is carried out: others may need what it holds. Every line says one thing that happened.
annulus status, in another terminal, says what it does and why.

It ends in order on Ctrl-C, SIGTERM or annulus stop. It can be killed at any moment: nothing that it acknowledged is lost.

Exit codes: 0 it was asked to end; 1 it broke a rule of its own and must not go on, see the last line; 2 home, settings or
manifest are not as they must be; 3 the machine failed (disk, port, backend): put that right and start it again.

Examples:
  $ annulus start
  $ annulus start --home /srv/annulus --passphrase-file /run/secrets/annulus
  $ annulus start --set peer.bulkBytesMax=50000000000
config/deploy/ has a unit for systemd and a container file.
`;

/** Below the flags of `annulus preflight --help`. */
export const preflightExamples = `
What is looked at, in the order in which things build on each other; who mends the first one first mends the right one:
  node      whether the node of this home runs, and answers
  clock     against what has happened, and against the members' clocks
  disk      free space, and how long a write takes until it is on the disk
  rights    whether others on this machine could read keys or state
  keys      whether they are those of the manifest, and may vote
  manifest  whether a member knows a newer version
  data      cases and labels, and whether they are those that the manifest promises
  port      whether the node can listen
  compute   the backend, and a timed step of training against what a round leaves for one
  version   whether the members run this very program
  member    each: reached directly or because it called, with round trip and speed; or at which layer it ended: name, tcp,
            noise, membership, version, gossip
While the node runs it is asked for the members; else a connection of its own is opened for some seconds, which needs the keys.
? means that it could not be looked at, and blames nobody.

Exit codes: 0 ready, warnings or not; 1 something FAILs; 2 there is no home, or its node.yaml is wrong.

Examples:
  $ annulus preflight
  $ annulus preflight --home /srv/annulus --passphrase-file /run/secrets/annulus
  $ annulus preflight --format json
`;

/** Below the flags of `annulus doctor bundle --help`. */
export const bundleExamples = `
In it: versions, machine, preflight, settings, the newest manifest, the ends of both logs, and the status if the node runs.
Taken out: keys, passphrases, names of cases, the last prediction, paths of the hospital's data, and names and addresses of
machines, which get stand-ins that are the same in all files. What goes out is shown first: each file, its size, its first lines.

Examples:
  $ annulus doctor bundle -o help.zip
  $ annulus doctor bundle -o help.zip --with-addresses --yes
`;

/** Below the flags of `annulus status --help`. */
export const statusExamples = `
Each member is one of
  registered    in the manifest, not heard of since this node started
  configured    heard of, and not connected now
  connected     connected, and not in the round under way
  training      asked by the round under way
  contributed   its update is in the last average
  excluded      it is not, with the reason; or suspended, or revoked
Below: messages in plain words, each with what to do. None means that nothing is wrong.

Examples:
  $ annulus status
  $ annulus status --watch
  $ annulus status --cases         own cases that cannot be used, by name: for your own screen
  $ annulus status --health        exit code 0 when the node does its work, 1 when not, 3 when it does not run
`;

/** Below the flags of `annulus wait --help`. */
export const waitExamples = `
Examples:
  $ annulus wait --round 12        until round 12 has ended
  $ annulus wait --done            until the plan is carried out
  $ annulus wait --height 100 --timeout 600
                                   exit code 3 after ten minutes, with what is wrong and what to do
`;

/** Below the flags of `annulus logs --help`. */
export const logsExamples = `
Examples:
  $ annulus logs                   the last 50 lines
  $ annulus logs -f                and those that come
  $ annulus logs --detail          the words of its peer and its network, for whoever looks for a fault
`;

/** Below the flags of `annulus testnet --help`. */
export const testnetExamples = `
Each hospital gets a home with keys of its own, its phantoms as files, and a process. Nothing is derived from a seed but the
phantoms and the plan.

Examples:
  $ annulus testnet -n 4 -o /tmp/net --start      makes four homes and starts them; Ctrl-C ends them
  $ annulus testnet -o /tmp/net --start           starts them again: they go on from where they were
  $ annulus testnet --stop /tmp/net               ends them, from another terminal
  $ annulus testnet -n 8 -o /tmp/net --preset eight-hospitals --set training.student.rounds=2
`;
