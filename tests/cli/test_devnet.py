"""The local chain in the foreground, and how it ends."""

import os
import signal
import subprocess
import sys

import pytest

from chainrep.chain.client import connect
from chainrep.chain.devnet import find_anvil
from chainrep.errors import ChainUnreachable
from tests.tools import ROOT, free_port, require_tool, wait_for_chain


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("kind", ["anvil", "embedded"])
def test_a_devnet_that_is_stopped_leaves_nothing_running(kind, ending):
    if kind == "anvil":
        require_tool(find_anvil(ROOT / "contracts"), "anvil")
    port = free_port()
    options = ["--embedded"] if kind == "embedded" else []
    devnet = subprocess.Popen(
        [sys.executable, "-m", "chainrep", "devnet", "--port", str(port), *options],
        cwd=ROOT, env=dict(os.environ), stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    wait_for_chain(url)
    devnet.send_signal(ending)
    told, _ = devnet.communicate(timeout=20)
    assert devnet.returncode == 0
    assert "Stopped." in told
    with pytest.raises(ChainUnreachable):
        connect(url)
