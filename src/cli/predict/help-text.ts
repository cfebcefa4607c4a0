/** Below the flags of `annulus predict --help`. */
export const predictExamples = `
Of each CT it writes, in the space of the CT:
  labels.nii.gz     the points as spheres; labels.json says what the values mean
  points.mrk.json   the points, for 3D Slicer
  calc.nii.gz       calcium; heart.nii.gz too if the model was taught the heart
  measures.json     what TAVI planning reads from them: annulus, ostia, septum, calcium, views of the C-arm
  measures.csv      the same as a table; docs/predict.md says how each number is computed
  report.html       one page: slices along the annulus, points and measures. It shows a patient's pixels, and no name
  segmentation.dcm  of DICOM files: points and calcium as DICOM SEG for the PACS, with the patient and study of the source

Every result is checked against the anatomy of a heart: the distances between the points, their plane and sides, blood
around them, the calcium, and whether the image is a contrast CT at all. A result that cannot be true is called
implausible, with the reasons: on standard error, in the text, in the JSON, in labels.json and on the page. The exit
code is still 0, with --strict it is 1.

--worklist is a CSV file with the headings id,input,heart,series (input alone is required; paths count from the file), or a
folder: every .nii, .nii.gz and .zip in it and every folder of DICOM files is one CT. Each has a folder of its own in
--output, and summary.csv and summary.json say what became of all. A CT that fails does not stop the others; the exit code
is then 1. Run the same command again to go on after a stop, and to try again what failed.

--heart is a NIfTI file on the CT's own grid: 1 myocardium, 2 left atrium, 3 left ventricle, 4 right atrium,
5 right ventricle, 6 aorta, 7 pulmonary artery, 0 elsewhere. A model trained with training.heart=condition needs it.

Without --model the student in config/sample/student is taken. It was trained on phantoms alone, and docs/sample-student.md
says how well it does on a real heart.

Examples:
  $ annulus predict --input ct.nii.gz
  $ annulus predict --model runs/eight-hospitals-1/model --input ct.nii.gz --output out
  $ annulus predict --model runs/eight-hospitals-1/model --input dicom/ --output out
  $ annulus predict --model runs/eight-hospitals-1/model --worklist tavi.csv --output results
  $ annulus predict --model conditioned --input ct.nii.gz --heart heart.nii.gz --output out
`;
