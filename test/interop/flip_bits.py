"""Changes one bit of a log's files after the other, and says which changes verify_log.py did not notice.

    python3 flip_bits.py VERIFY_FOLDER LOG_DIRECTORY COUNT
"""
import contextlib
import io
import os
import sys

sys.path.insert(0, sys.argv[1])
import verify_log  # noqa: E402

log, count = sys.argv[2], int(sys.argv[3])
passed, tried = [], 0
for folder, _, names in sorted(os.walk(log)):
    for name in sorted(names):
        path = os.path.join(folder, name)
        with open(path, "rb") as file:
            data = file.read()
        for turn in range(count):
            bit = (2 * turn + 1) * len(data) * 8 // (2 * count)
            changed = bytearray(data)
            changed[bit >> 3] ^= 1 << (bit & 7)
            with open(path, "wb") as file:
                file.write(changed)
            tried += 1
            try:
                with contextlib.redirect_stdout(io.StringIO()):
                    verify_log.main(log)
                passed.append("%s bit %d" % (os.path.relpath(path, log), bit))
            except (verify_log.Wrong, ValueError, KeyError, TypeError, IndexError, AttributeError):
                pass
        with open(path, "wb") as file:
            file.write(data)
with contextlib.redirect_stdout(io.StringIO()):
    verify_log.main(log)
print("%d bits changed, not noticed: %s" % (tried, "; ".join(passed) or "none"))
