"""A local chain that lives as long as its command: ``chainrep devnet start --foreground``."""

from __future__ import annotations

import errno
import signal
import socket
from pathlib import Path

import click

from chainrep.errors import ConfigError


def serve_until_stopped(port: int, embedded: bool) -> None:
    """Run a chain until Ctrl-C or SIGTERM, and leave nothing running."""
    from chainrep.chain.devnet import dev_accounts, find_anvil, start_anvil

    require_free(port)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that anvil is never left behind
    program = None if embedded else find_anvil(Path("contracts"))
    name = "anvil" if program else "embedded eth-tester"
    click.echo(f"Local chain ({name}) on http://127.0.0.1:{port}; Ctrl-C stops it.")
    click.echo(f"First of its published accounts: {dev_accounts(1)[0].address}")
    click.echo("Next: chainrep deploy")
    if program is None:
        _serve_embedded(port)
        return
    process = start_anvil(program, port)
    try:
        status = process.wait()
    except KeyboardInterrupt:
        process.terminate()
        process.wait()
        click.echo("Stopped.")
        return
    finally:
        if process.poll() is None:
            process.kill()
    if status:
        raise ConfigError(f"anvil ended with exit code {status}.", "Try `--embedded`.")


def _serve_embedded(port: int) -> None:
    from chainrep.chain.devnet import embedded_chain
    from chainrep.chain.embedded import EmbeddedProvider
    from chainrep.chain.rpc_server import RpcServer

    with RpcServer(EmbeddedProvider(embedded_chain()), port) as server:
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            click.echo("Stopped.")


def require_free(port: int) -> None:
    """Raise ConfigError where something else listens on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            reason = "is in use" if taken else f"cannot be opened ({error.strerror})"
            raise ConfigError(f"Port {port} {reason}.", "Choose another one with --port.") from None
