/** The text of a new `node.yaml`: what a hospital sets, with a line on each, and the rest as it is unless changed. */
import { nodeFileDefaults } from './node-file.ts';

/** What a new file says otherwise than by default. */
export interface NodeFileFacts {
  /** `host:port` */
  readonly listen?: string;
  /** Folder of the hospital's own cases. */
  readonly dataFolder?: string;
  /** Training workers; 0 is one for each processor. */
  readonly workers?: number;
  /** Port of the page with the node's status. */
  readonly pagePort?: number;
  /** Further sections as plain data: `{ peer: { tickMs: 200 } }`. */
  readonly sections?: Readonly<Record<string, unknown>>;
}

/** A text that `loadNodeFile` takes. */
export function nodeFileText({
  listen,
  dataFolder = '',
  workers = nodeFileDefaults.compute.workers,
  pagePort = 7480,
  sections = {},
}: NodeFileFacts): string {
  const { data, compute } = nodeFileDefaults;
  // JSON is YAML: quotes and backslashes of any path are safe in it.
  const quoted = (text: string): string => JSON.stringify(text);
  const further = Object.entries(sections).map(
    ([key, value]) => `${key}: ${JSON.stringify(value)}\n`,
  );
  return `# Settings of this node. After a change: annulus stop, then annulus start. A key that does not exist is an error with its line.
# What all hospitals agreed on (plan, images, members and their addresses) stands in the manifest, and not here.

# Where this node listens for the others, host:port. 0.0.0.0 is every network of this machine. The port must be let through by
# the firewall, and must be the one of this hospital's address in the manifest. A node that others cannot reach takes part
# all the same: it calls them.
listen: ${quoted(listen ?? nodeFileDefaults.listen)}

data:
  # A folder of cases, train/<case>/ and test/<case>/ as docs/specs/own-cases.md has it, beside this file unless absolute; nothing is
  # written there. Empty for what annulus data import puts into this home; a member with neither votes and does not train.
  folder: ${quoted(dataFolder)}
  # Seconds between two looks for cases that came, changed or went.
  lookEveryS: ${data.lookEveryS}
  # reading: { axes: LAS } # of files without orientation
  # What this site calls points and structures, for annulus data import: their name = ours, or = ignore.
  # names: ['Hinge RCC = RCC', 'STJ = ignore']

compute:
  # auto, or one that annulus doctor lists.
  backend: ${compute.backend}
  # Training workers; 0 is one for each processor.
  workers: ${workers}

dashboard:
  # The page with this node's status, for a browser on this machine, and its metrics at /metrics. isOn: false for none.
  isOn: true
  host: 127.0.0.1
  port: ${pagePort}

# Further sections, with the keys and ranges of config/README.md: inference, consensus, peer, network, log. For instance
# peer: { bulkBytesMax: 50000000000 } # disk for models and updates of past rounds, bytes
${further.join('')}`;
}
