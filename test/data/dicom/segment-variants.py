"""Writes DICOM SEGs for a CT of 5 slices of 7 x 9 pixels, sound ones and broken ones, and what is in each: python3 segment-variants.py FOLDER."""
import copy
import json
import sys

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import (DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian)

ROWS, COLUMNS, DEPTH = 7, 9, 5
SEG = '1.2.840.10008.5.1.4.1.1.66.4'
folder = sys.argv[1]
random = np.random.default_rng(3)
# Slice 2 holds neither, slice 4 has no calcium.
heart = (random.random((DEPTH, ROWS, COLUMNS)) < 0.4).astype(np.uint8)
calcium = (random.random((DEPTH, ROWS, COLUMNS)) < 0.2).astype(np.uint8)
heart[2] = calcium[2] = calcium[4] = 0
calcium[heart > 0] = 0


def place(k):
    return [-31.12345, 12.5 - 0.6 * 2.5 * k, 7 + 0.8 * 2.5 * k]


def item(**values):
    made = Dataset()
    for name, value in values.items():
        setattr(made, name, value)
    return made


def segmentation(order, labels=('LV blood', 'Kalk, größer')):
    """Frames of both segments in this order of slices, those without a voxel left out."""
    ds = Dataset()
    ds.SpecificCharacterSet = 'ISO_IR 192'
    ds.SOPClassUID, ds.SOPInstanceUID = SEG, '2.25.5'
    ds.Modality, ds.PatientID = 'SEG', 'X-17'
    ds.StudyInstanceUID, ds.SeriesInstanceUID = '1.2.3.100', '1.2.3.201'
    ds.FrameOfReferenceUID = '1.2.3.300'
    ds.ReferencedSeriesSequence = [item(SeriesInstanceUID='1.2.3.200')]
    ds.SegmentationType = 'BINARY'
    ds.SegmentSequence = [item(SegmentNumber=n + 1, SegmentLabel=label) for n, label in enumerate(labels)]
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PixelRepresentation = 1, 'MONOCHROME2', 0
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 1, 1, 0
    ds.Rows, ds.Columns = ROWS, COLUMNS
    ds.SharedFunctionalGroupsSequence = [item(
        PlaneOrientationSequence=[item(ImageOrientationPatient=[1, 0, 0, 0, 0.8, 0.6])],
        PixelMeasuresSequence=[item(PixelSpacing=[0.7, 0.65], SliceThickness=3)])]
    groups, frames = [], []
    for k in order:
        for number, mask in ((1, heart), (2, calcium)):
            if mask[k].any():
                frames.append(mask[k])
                groups.append(item(
                    PlanePositionSequence=[item(ImagePositionPatient=place(k))],
                    SegmentIdentificationSequence=[item(ReferencedSegmentNumber=number)]))
    ds.PerFrameFunctionalGroupsSequence = groups
    ds.NumberOfFrames = len(frames)
    bits = np.packbits(np.stack(frames).ravel(), bitorder='little').tobytes()
    ds.PixelData = bits + b'\0' * (len(bits) % 2)
    return ds


def save(name, ds, syntax=ExplicitVRLittleEndian):
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = ds.SOPClassUID, ds.SOPInstanceUID
    meta.TransferSyntaxUID = syntax
    file = FileDataset(f'{folder}/{name}.dcm', ds, file_meta=meta, preamble=b'\0' * 128)
    file['PixelData'].VR = 'OB'
    file.is_little_endian, file.is_implicit_VR = True, syntax == ImplicitVRLittleEndian
    file.save_as(f'{folder}/{name}.dcm', write_like_original=False)


forward, backward = range(DEPTH), range(DEPTH - 1, -1, -1)
save('explicit', segmentation(forward))
save('implicit', segmentation(backward), ImplicitVRLittleEndian)
save('deflated', segmentation(forward), DeflatedExplicitVRLittleEndian)
own = segmentation(forward)
# A shared group for what each frame could say, and the other way round.
for group in own.PerFrameFunctionalGroupsSequence:
    group.PlaneOrientationSequence = copy.deepcopy(own.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence)
del own.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence
save('own-directions', own)
counts = {}
for name in ('explicit', 'implicit', 'deflated', 'own-directions'):
    read = pydicom.dcmread(f'{folder}/{name}.dcm')
    totals = [0, 0]
    for group, frame in zip(read.PerFrameFunctionalGroupsSequence, read.pixel_array):
        totals[group.SegmentIdentificationSequence[0].ReferencedSegmentNumber - 1] += int(frame.sum())
    counts[name] = totals

broken = []


def broke(name, rule, change, syntax=ExplicitVRLittleEndian):
    ds = segmentation(forward)
    change(ds)
    save(name, ds, syntax)
    broken.append([name, rule])


def setting(**values):
    return lambda ds: [setattr(ds, name, value) for name, value in values.items()]


def frame(n, **values):
    return lambda ds: [setattr(ds.PerFrameFunctionalGroupsSequence[n], name, value) for name, value in values.items()]


size = len(segmentation(forward).PixelData)
broke('fractional', 'seg_type', setting(SegmentationType='FRACTIONAL', BitsAllocated=8, BitsStored=8, HighBit=7))
broke('label-map', 'seg_type', setting(SOPClassUID='1.2.840.10008.5.1.4.1.1.66.7', SegmentationType='LABELMAP'))
broke('bytes', 'seg_type', setting(BitsAllocated=8, BitsStored=8, HighBit=7))
broke('no-type', 'seg_type', lambda ds: delattr(ds, 'SegmentationType'))
broke('cut-bits', 'file_cut_short', setting(PixelData=b'\0' * (size - 4)))
broke('frames-of-whole-bytes', 'pixels_damaged', setting(PixelData=b'\0' * (size + 2)))
broke('segment-twice', 'seg_segments', lambda ds: setattr(ds.SegmentSequence[1], 'SegmentNumber', 1))
broke('no-segments', 'seg_segments', setting(SegmentSequence=[]))
broke('no-label', 'missing_value', lambda ds: delattr(ds.SegmentSequence[0], 'SegmentLabel'))
broke('unknown-segment', 'seg_segments', frame(1, SegmentIdentificationSequence=[item(ReferencedSegmentNumber=7)]))
broke('no-place', 'missing_value', lambda ds: delattr(ds.PerFrameFunctionalGroupsSequence[1], 'PlanePositionSequence'))
broke('fewer-frames', 'value', lambda ds: ds.PerFrameFunctionalGroupsSequence.pop())
broke('same-place', 'seg_segments', frame(2, PlanePositionSequence=[item(ImagePositionPatient=place(0))]))
broke('other-frame', 'seg_other_ct', setting(FrameOfReferenceUID='1.2.3.999'))
broke('other-series', 'seg_other_ct', setting(ReferencedSeriesSequence=[item(SeriesInstanceUID='1.2.3.222')]))
broke('between-slices', 'other_grid', frame(1, PlanePositionSequence=[item(ImagePositionPatient=place(0.5))]))
broke('beyond', 'other_grid', frame(1, PlanePositionSequence=[item(ImagePositionPatient=place(5))]))
broke('half-pixels', 'other_grid', lambda ds: setattr(
    ds.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0], 'PixelSpacing', [0.35, 0.325]))
broke('turned', 'other_grid', lambda ds: setattr(
    ds.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0], 'ImageOrientationPatient', [0, 0.8, 0.6, 1, 0, 0]))
broke('fewer-columns', 'other_grid', setting(Columns=7, Rows=9))
json.dump({
    'counts': counts, 'broken': broken,
    'heart': heart.ravel().tolist(), 'calcium': calcium.ravel().tolist(),
}, open(f'{folder}/expected.json', 'w'))
