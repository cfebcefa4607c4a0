/** What stands below the flags of the commands about a node. */

/** Below the flags of `annulus start --help`. */
export const startExamples = `
What happens:
  1. The home is locked, its settings (node.yaml) are read, its keys opened.
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
