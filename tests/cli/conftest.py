# SPDX-License-Identifier: LGPL-2.1-or-later
"""The build host's own machines are hidden from the programs under test: boxctl finds those of a directory, not of its bus."""

import ctypes
import os
import warnings
from pathlib import Path

CLONE_NEWNS, CLONE_NEWUSER = 0x20000, 0x10000000
MS_REC, MS_PRIVATE = 0x4000, 0x40000
PLACES = ['/run/box', '/run/systemd/machines']


def pytest_configure():
    places = [place for place in PLACES if Path(place).is_dir()]
    if not places:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    uid, gid = os.geteuid(), os.getegid()
    if libc.unshare(CLONE_NEWNS | (CLONE_NEWUSER if uid else 0)) < 0:
        warnings.warn(f"the host's machines are not hidden: unshare() failed: {os.strerror(ctypes.get_errno())}")
        return
    if uid:
        Path('/proc/self/setgroups').write_text('deny')
        Path('/proc/self/uid_map').write_text(f'{uid} {uid} 1')
        Path('/proc/self/gid_map').write_text(f'{gid} {gid} 1')
    calls = [(None, '/', None, MS_REC | MS_PRIVATE), *(('tmpfs', place, 'tmpfs', 0) for place in places)]
    for source, place, kind, flags in calls:
        arguments = [text and text.encode() for text in (source, place, kind)]
        if libc.mount(*arguments, flags, None) < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), place)
