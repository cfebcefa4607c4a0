/** What stands below the flags of the laboratory's commands. */

/** Below the flags of `annulus sweep --help`. */
export const sweepExamples = `
Runs that differ in their seed alone are one group, and get an interval over the seeds. Settings are named without "lab.".
It can be stopped or killed at any time: the same command goes on, and ends with the same bytes.

What is written: report.html, runs.csv (the end of each run), rounds.csv (every measurement), cells/ (each run as simulate
writes it).

Examples:
  $ annulus sweep topologies --over topology.kind=ring,torus,complete --over seed=1..3 --workers 2
  $ annulus sweep topologies --over nodes+topology.degree=16+2,64+6   two that change together
`;

/** Below the flags of \`annulus compare --help\`. */
export const compareExamples = `
Runs whose settings differ in the seed alone are one group. A sweep's folder stands for all its runs.

Examples:
  $ annulus compare runs/tiny-1 runs/tiny-1-fork-10
  $ annulus compare runs/sweep-topologies --out figures    with the figures as .svg files
  $ annulus compare runs/sweep-topologies --format json
`;
