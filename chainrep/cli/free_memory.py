"""How much memory may be taken."""

from __future__ import annotations

from pathlib import Path

_UNKNOWN = 4 * 2**30


def free_memory(meminfo: Path = Path("/proc/meminfo")) -> int:
    """Bytes that programs can still take without pushing others out; 4 GiB where nobody says."""
    try:
        lines = meminfo.read_text().splitlines()
    except OSError:
        return _UNKNOWN
    found = [line.split() for line in lines if line.startswith("MemAvailable:")]
    return int(found[0][1]) * 1024 if found else _UNKNOWN
