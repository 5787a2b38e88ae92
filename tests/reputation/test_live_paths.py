"""Room for paths that follow the edges."""

import numpy as np
import pytest

from chainrep.reputation import live_paths
from chainrep.reputation.walks import Walks


def test_room_for_paths_grows_up_to_the_most_there_can_be_and_no_further(monkeypatch):
    seeds, start = np.array([0, 1], np.int32), np.array([0, 2, 3], np.int64)
    walks = Walks(seeds, 1, start, np.array([0, 1, 1], np.int32))
    paths = live_paths.link_paths(walks, 2)
    room = len(paths.line) // 3
    monkeypatch.setattr(live_paths, "_MAX_CHUNKS", 2 * room)
    sizes = []
    for _ in range(2):
        live_paths.grow(paths)
        sizes.append(len(paths.line) // 3)
    assert sizes == [room + room // 2, 2 * room]
    start, node = live_paths.flat(paths, 2)
    assert (start.tolist(), node.tolist()) == ([0, 2, 3], [0, 1, 1])
    with pytest.raises(MemoryError, match="chunks of paths"):
        live_paths.grow(paths)
