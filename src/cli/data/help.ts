/** What stands below the flags of `annulus data …`. */

/** Below `annulus data`. */
export const dataOverview = `
From a PACS export and a 3D Slicer scene to cases that a node trains from:
  1. annulus data check /data/hearts         what can be used, and how the rest is mended
  2. annulus data preview /data/hearts --output look        is every label where its name says?
  3. annulus data import /data/hearts        into the home; or --into FOLDER, for a preset of annulus simulate
  4. annulus start                           trains from the home's cases
docs/site-data.md has the layout, the formats, the rules and their remedies.
`;

/** Below the flags of `annulus data check --help`. */
export const checkExamples = `
SOURCE holds a folder, a ZIP or a NIfTI file for each case, or is one case. In the folder of a case, at any depth and under any names:
  CT       a DICOM series, or NIfTI (.nii, .nii.gz, .hdr and .img)
  points   .mrk.json, .fcsv (3D Slicer), .mps (MITK), .csv with label,r,a,s: RCC LCC NCC RCA LCA, MS1 MS2
  maps     calc, heart as NIfTI on the CT's grid, or a binary DICOM SEG
A ZIP or a folder with several patients or studies is a case for each study; of several series in one study, --series says which.
With train/ and test/ around the cases, those in test/ are held out. Names of your own are told by --name.

Each case is ready, QUARANTINED (its files must be mended) or ASK (it can be read in more than one way: a flag says how).

Exit codes: 0 all are ready; 1 some are not; 2 there is nothing at SOURCE.

Examples:
  $ annulus data check /data/hearts
  $ annulus data check /data/hearts --name "Hinge RCC = RCC" --name "STJ = ignore"
  $ annulus data check /data/hearts --axes LAS          NIfTI files without orientation
  $ annulus data check /data/hearts --format json
`;

/** Below the flags of `annulus data import --help`. */
export const siteImportExamples = `
Of a case only pixels, their place and its labels are kept, and keyed hashes by which it is known again: no name, number, date or UID.
The source is never written to. A case that is not ready waits outside of the store, and the others go on. A second import reads
only what is new or changed; one that was killed goes on from where it was.

Exit codes: 0 all cases are in the store; 1 some are not; 2 wrong flags, or nothing at SOURCE.

Examples:
  $ annulus data import /data/hearts                    into the home of this hospital's node
  $ annulus data import export.zip --dry-run            what would happen; writes nothing
  $ annulus data import /data/hearts --into cases       for consortium.hospitals[].folder of a preset
  $ annulus data import /data/hearts --held-out 5       every fifth case is tested on and never trained on
`;

/** Below the flags of `annulus data list --help`. */
export const listStoreExamples = `
Examples:
  $ annulus data list
  $ annulus data list --into cases --format json
`;

/** Below the flags of `annulus data fingerprint --help`. */
export const fingerprintExamples = `
A keyed Merkle root over all cases, made again from their files: the same after every import of the same data, another one as soon as
a voxel or a label changes. Nobody learns from it which data it is. With --round, what the log says of this home's data in a
round, if the cases are labelled now as they were then (teachers label them once, before the student's rounds).

Examples:
  $ annulus data fingerprint
  $ annulus data fingerprint --round 12                 compare with annulus audit search --round 12
  $ annulus data fingerprint --into cases
`;

/** Below the flags of `annulus data preview --help`. */
export const previewExamples = `
Two slices through the labels of each case, as PNG and on a page: rings are points, fainter ones lie off the slice; outlines are calcium.
The pictures show patients and stay in the hospital.

Examples:
  $ annulus data preview /data/hearts --output look
  $ annulus data preview /data/hearts --output look --case train/a17
`;
