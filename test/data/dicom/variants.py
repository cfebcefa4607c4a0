"""One volume written as DICOM in many ways, by pydicom, DCMTK and GDCM; beside each folder what pydicom says of its values.

    python3 variants.py OUT    OUT/<variant>/..., OUT/expected.json: shape (depth, height, width), affine, sum, some voxels
"""
import json
import os
import subprocess
import sys

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian, generate_uid
from pydicom.uid import DeflatedExplicitVRLittleEndian

out = sys.argv[1]
D, H, W = 9, 40, 48
k, j, i = np.meshgrid(np.arange(D), np.arange(H), np.arange(W), indexing='ij')
hu = ((i * 7 + j * 13 + k * 101) % 2400 - 1000).astype(np.int32)
hu[:, 10:20, 10:20] = 40
CT, ENHANCED = '1.2.840.10008.5.1.4.1.1.2', '1.2.840.10008.5.1.4.1.1.2.1'
study, series_uid, frame_uid = generate_uid(), generate_uid(), generate_uid()
expected = {}


def common(sop, syntax):
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = sop
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = syntax
    ds = FileDataset('', {}, file_meta=meta, preamble=b'\0' * 128)
    ds.SOPClassUID, ds.SOPInstanceUID, ds.Modality = sop, meta.MediaStorageSOPInstanceUID, 'CT'
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = study, series_uid, frame_uid
    ds.PatientName, ds.PatientID = 'Geheim^Gustav', 'SECRET42'
    ds.ImageType = ['ORIGINAL', 'PRIMARY', 'AXIAL']
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, 'MONOCHROME2'
    ds.Rows, ds.Columns = H, W
    ds.is_little_endian = syntax != ExplicitVRBigEndian
    ds.is_implicit_VR = syntax == ImplicitVRLittleEndian
    return ds


def bits(ds, stored, signed):
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, stored, stored - 1, int(signed)


def slices(name, syntax=ExplicitVRLittleEndian, stored=16, signed=True, change=None, position=None, iop=None, values=hu):
    os.makedirs(f'{out}/{name}')
    files = []
    order = np.random.RandomState(1).permutation(D)
    for n, at in enumerate(order):
        at = int(at)
        ds = common(CT, syntax)
        bits(ds, stored, signed)
        ds.RescaleSlope, ds.RescaleIntercept = '1', '-1024'
        ds.PixelSpacing, ds.SliceThickness = ['0.75', '1.25'], '3'
        ds.ImageOrientationPatient = iop or ['1', '0', '0', '0', '1', '0']
        ds.ImagePositionPatient = position(at) if position else ['-10.5', '20.25', f'{-30 + 2.5 * at:.6f}']
        raw = values[at] + 1024
        kind = np.dtype('<i2' if signed else '<u2')
        ds.PixelData = raw.astype(kind if syntax != ExplicitVRBigEndian else kind.newbyteorder('>')).tobytes()
        ds['PixelData'].VR = 'OW'
        if change:
            change(ds, at)
        file = f'{out}/{name}/{n:03}.dcm'
        ds.save_as(file, write_like_original=False)
        files.append(file)
    return files


def expect(name, affine, values=hu):
    v = values.astype(np.float64)
    expected[name] = {
        'shape': list(v.shape), 'affine': [float(x) for x in np.asarray(affine).ravel()], 'sum': float(v.sum()),
        'voxels': [[int(a), int(b), int(c), float(v[a, b, c])] for a, b, c in
                   [(0, 0, 0), (0, 0, 1), (0, 1, 0), (1, 0, 0), (D - 1, H - 1, W - 1), (4, 15, 15), (3, 17, 29)]],
    }


# i: 1.25 mm (between columns), j: 0.75 mm (between rows), LPS to RAS.
plain = [[-1.25, 0, 0, 10.5], [0, -0.75, 0, -20.25], [0, 0, 2.5, -30], [0, 0, 0, 1]]


def sixteen(ds, at):
    """Decimal strings with spaces, a plus, exponents, more than 16 characters, and what else scanners write."""
    for key, text in (('PixelSpacing', ' 0.75 \\ +1.25'), ('RescaleIntercept', '-1.024E+03 '), ('RescaleSlope', '1.000000000000000000 ')):
        element = ds[key]
        ds[key] = pydicom.DataElement(element.tag, 'LO', text.split('\\'))
        ds[key].VR = 'LO'
    ds.WindowCenter, ds.WindowWidth = ['40', '400'], ['300', '1500']
    del ds.SliceThickness


def japanese(ds, at):
    ds.SpecificCharacterSet = ['', 'ISO 2022 IR 87']
    ds.PatientName = 'Yamada^Tarou=山田^太郎=やまだ^たろう'


def nested(ds, at):
    """Sequences of undefined length with values of odd length and with bytes that look like delimiters, private elements, overlays."""
    inner = Dataset()
    inner.add_new(0x00091001, 'OB', b'\xfe\xff\x0d\xe0\0\0\0\0' * 3)
    inner.add_new(0x7fe00010, 'OW', b'\xfe\xff\xdd\xe0\0\0\0\0')
    inner.SOPInstanceUID = '1.2.3'
    inner.is_undefined_length_sequence_item = True
    ds.IconImageSequence = Sequence([inner, inner])
    ds['IconImageSequence'].is_undefined_length = True
    ds.ReferencedImageSequence = Sequence([inner])
    ds['ReferencedImageSequence'].is_undefined_length = True
    ds.private_block(0x0029, 'SIEMENS CSA HEADER', create=True).add_new(0x10, 'OB', b'GEHEIM' * 100)
    ds.add_new(0x60000010, 'US', 1)
    ds.ICCProfile = b'\1' * 301


def overlay(ds, at):
    raw = np.frombuffer(ds.PixelData, '<u2').copy()
    raw[::3] |= 0x8000
    ds.PixelData = raw.tobytes()


def padding(ds, at):
    ds.add_new(0x00280120, 'SS', -2000)


def variants():
    slices('implicit', ImplicitVRLittleEndian)
    slices('big-endian', ExplicitVRBigEndian)
    slices('deflated', DeflatedExplicitVRLittleEndian)
    slices('unsigned-12', stored=12, signed=False)
    slices('signed-13', stored=13)
    slices('decimals', change=sixteen)
    slices('japanese', change=japanese)
    slices('nested', change=nested)
    slices('nested-implicit', ImplicitVRLittleEndian, change=nested)
    slices('overlay-bits', stored=12, signed=False, change=overlay)
    slices('rounded', position=lambda at: ['-10.5', '20.25', f'{-30 + 2.5 * at + (at % 3 - 1) * 0.001:.4f}'])
    for name in ('implicit', 'big-endian', 'deflated', 'unsigned-12', 'signed-13', 'decimals', 'japanese', 'nested',
                 'nested-implicit', 'overlay-bits', 'rounded'):
        expect(name, plain)
    for file in slices('no-preamble', ImplicitVRLittleEndian):
        ds = pydicom.dcmread(file)
        ds.preamble, ds.file_meta = None, FileMetaDataset()
        ds.save_as(file, write_like_original=True)
    expect('no-preamble', plain)
    padded = hu.copy()
    padded[:, :3, :3] = -3024
    slices('padded', change=padding, values=padded)
    expect('padded', plain, padded)
    # A gantry tilted by 20 degrees: rows look down, the table moves along z.
    c, s = np.cos(np.radians(20)), np.sin(np.radians(20))
    slices('tilted', iop=['1', '0', '0', '0', f'{c:.6f}', f'{-s:.6f}'])
    expect('tilted', [[-1.25, 0, 0, 10.5], [0, -0.75 * c, 0, -20.25], [0, -0.75 * s, 2.5, -30], [0, 0, 0, 1]])
    slices('per-slice', change=lambda ds, at: rescaled(ds, at))
    expect('per-slice', plain)
    enhanced('enhanced', ExplicitVRLittleEndian, False)
    enhanced('enhanced-implicit-open', ImplicitVRLittleEndian, True)
    compressed()


def rescaled(ds, at):
    """Slices of even number are stored doubled and shifted."""
    if at % 2:
        return
    ds.RescaleSlope, ds.RescaleIntercept = '0.5', '-500.5'
    ds.PixelData = (2 * hu[at] + 1001).astype('<i2').tobytes()


def enhanced(name, syntax, is_open):
    os.makedirs(f'{out}/{name}')
    ds = common(ENHANCED, syntax)
    bits(ds, 16, True)
    ds.NumberOfFrames = D
    shared, frames = Dataset(), []
    measures, orientation, value = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = ['0.75', '1.25'], '2.5'
    orientation.ImageOrientationPatient = ['1', '0', '0', '0', '1', '0']
    value.RescaleSlope, value.RescaleIntercept, value.RescaleType = '1', '-1024', 'HU'
    shared.PixelMeasuresSequence, shared.PlaneOrientationSequence = Sequence([measures]), Sequence([orientation])
    shared.PixelValueTransformationSequence = Sequence([value])
    order = list(reversed(range(D)))
    for at in order:
        frame, place = Dataset(), Dataset()
        place.ImagePositionPatient = ['-10.5', '20.25', f'{-30 + 2.5 * at}']
        frame.PlanePositionSequence = Sequence([place])
        frame.is_undefined_length_sequence_item = is_open
        frames.append(frame)
    ds.SharedFunctionalGroupsSequence, ds.PerFrameFunctionalGroupsSequence = Sequence([shared]), Sequence(frames)
    ds['PerFrameFunctionalGroupsSequence'].is_undefined_length = is_open
    ds.PixelData = (hu[order] + 1024).astype('<i2').tobytes()
    ds['PixelData'].VR = 'OW'
    ds.save_as(f'{out}/{name}/one.dcm', write_like_original=False)
    expect(name, plain)


def compressed():
    tools = {
        'rle': ['dcmcrle', '{0}', '{1}'],
        'jpeg-lossless': ['dcmcjpeg', '+e1', '{0}', '{1}'],
        'jpeg-lossless-14': ['dcmcjpeg', '+el', '+sv', '6', '{0}', '{1}'],
        'jpeg-ls': ['dcmcjpls', '{0}', '{1}'],
        'jpeg-ls-fragments': ['dcmcjpls', '+fs', '1', '{0}', '{1}'],
        'jpeg-2000': ['gdcmconv', '--j2k', '{0}', '{1}'],
    }
    for signed, stored, tail in ((True, 16, ''), (False, 12, '-12')):
        for name, words in tools.items():
            for file in slices(name + tail, stored=stored, signed=signed):
                subprocess.run([w.format(file, file + '.new') for w in words], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                os.replace(file + '.new', file)
            expect(name + tail, plain)
    # Frames of an enhanced CT, each in several fragments, with a table of offsets.
    enhanced('enhanced-rle', ExplicitVRLittleEndian, False)
    file = f'{out}/enhanced-rle/one.dcm'
    ds = pydicom.dcmread(file)
    ds.compress(pydicom.uid.RLELossless)
    frames = list(pydicom.encaps.generate_pixel_data_frame(ds.PixelData, D))
    ds.PixelData = encapsulate(frames, fragments_per_frame=3, has_bot=True)
    ds.save_as(file, write_like_original=False)


variants()
json.dump(expected, open(f'{out}/expected.json', 'w'))
