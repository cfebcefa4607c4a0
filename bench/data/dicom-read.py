"""Writes a series of 300 slices (python3 dicom-read.py write SAMPLE OUT), reads one plainly (python3 dicom-read.py read FOLDER), or runs
a command and prints its seconds, processor seconds and most bytes of memory (python3 dicom-read.py run COMMAND ...)."""
import glob
import os
import resource
import subprocess
import sys
import time

import numpy as np
import pydicom


def write(sample, out):
    os.makedirs(out, exist_ok=True)
    files = sorted(glob.glob(f'{sample}/*'))
    one = pydicom.dcmread(files[0])
    one.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    row, column = np.meshgrid(np.arange(512), np.arange(512))
    for n in range(300):
        one.file_meta.MediaStorageSOPInstanceUID = one.SOPInstanceUID = f'2.25.{1000 + n}'
        one.SeriesInstanceUID, one.StudyInstanceUID = '2.25.7', '2.25.8'
        one.ImagePositionPatient = ['-249.5', '-437.5', str(n * 0.75)]
        one.PixelData = ((row * 3 + column * 5 + n * 7) % 3000).astype('<u2').tobytes()
        one['PixelData'].is_undefined_length = False
        one['PixelData'].VR = 'OW'
        one.save_as(f'{out}/{n:03}')


def read(folder):
    start = time.perf_counter()
    slices = [pydicom.dcmread(file) for file in glob.glob(f'{folder}/*')]
    slices.sort(key=lambda ds: float(ds.ImagePositionPatient[2]))
    volume = np.stack([ds.pixel_array * np.float32(ds.RescaleSlope) + np.float32(ds.RescaleIntercept) for ds in slices])
    seconds = time.perf_counter() - start
    total = float(volume.sum(dtype=np.float64))
    print(f'{seconds} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024} {total}')


def run(command):
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f'{time.perf_counter() - start} {used.ru_utime + used.ru_stime} {used.ru_maxrss * 1024}')


if sys.argv[1] == 'write':
    write(*sys.argv[2:4])
elif sys.argv[1] == 'run':
    run(sys.argv[2:])
else:
    read(sys.argv[2])
