"""Sources behind TLS: the checked address is connected, the certificate is of the URL's host."""

import asyncio
import subprocess
from contextlib import contextmanager
from threading import Thread

import pytest
import uvicorn
from starlette.applications import Starlette

from rag.source import host_names
from rag.source.access import Access
from rag.source.rate_limit import RateLimit
from rag.source.remote_retriever import RemoteRetriever
from rag.source.remote_source import RemoteSource
from rag.source.service import SourceTerms, source_app
from rag.types import Found
from tests.fakes.hostile_source import HostileServer, speaks_no_http
from tests.rag.source.asking_town import PATIENT
from tests.rag.source.one_source import DOMAIN, KEY, OWNER, PASSAGES, live_corpus
from tests.tools import free_port


def certify(folder, name, *by):
    """A key, and a certificate of this name, signed by itself unless openssl is told otherwise."""
    paths = folder / f"{name}.key", folder / f"{name}.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "1", *by, "-subj", f"/CN={name}", "-addext",
         f"subjectAltName=DNS:{name}", "-keyout", str(paths[0]), "-out", str(paths[1])],
        check=True, capture_output=True,
    )  # fmt: skip
    return paths


@contextmanager
def behind_tls(app, key, certificate):
    """The port of a running server."""
    port = free_port()
    config = uvicorn.Config(
        app, port=port, ssl_keyfile=str(key), ssl_certfile=str(certificate), log_config=None
    )
    server = uvicorn.Server(config)
    thread = Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
        yield port
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture
def source(tmp_path):
    """The application of a source, and a certificate for ``source.example``."""
    terms = SourceTerms(3, "rivers", 0, DOMAIN)
    limit = RateLimit(1e6, lambda: 0.0)
    app = source_app(live_corpus(tmp_path), terms, KEY, Access(OWNER, DOMAIN), limit)
    with behind_tls(app, *certify(tmp_path, "source.example")) as port:
        yield port


@pytest.fixture(autouse=True)
def looked_up(monkeypatch):
    """Every name is of this machine the first time, and of none the second."""
    asked = []

    def addresses(host):
        asked.append(host)
        return ["127.0.0.1"] if asked.count(host) == 1 else ["192.0.2.1"]

    monkeypatch.setattr(host_names, "_addresses", addresses)
    return asked


def search(url):
    remote = RemoteSource(3, OWNER, (url,))
    with RemoteRetriever([remote], DOMAIN, PATIENT, allow_private=True) as asked:
        return asked.search("Where does the Danube begin?", [3], 2)[3]


def test_a_source_with_a_certificate_for_its_name_is_heard(
    source, tmp_path, monkeypatch, looked_up
):
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "source.example.pem"))
    found = search(f"https://source.example:{source}")
    assert isinstance(found, Found)
    assert found.passages == PASSAGES[:1]
    assert looked_up == ["source.example"]


@pytest.mark.parametrize("host", ["other.example", "source.example.evil.example"])
def test_a_certificate_of_another_name_is_refused(source, tmp_path, monkeypatch, host):
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "source.example.pem"))
    silent = search(f"https://{host}:{source}")
    assert silent.reason == "cannot be reached: its certificate is of another name"


def test_a_certificate_of_a_name_is_not_one_of_its_address(source, tmp_path, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "source.example.pem"))
    silent = search(f"https://127.0.0.1:{source}")
    assert silent.reason == "cannot be reached: its certificate is of another address"


def test_a_certificate_that_is_signed_by_itself_is_refused(source):
    silent = search(f"https://source.example:{source}")
    assert silent.reason == "cannot be reached: its certificate is signed by itself alone"


def test_a_certificate_of_an_issuer_that_is_not_known_is_refused(tmp_path):
    key, issuer = certify(tmp_path, "issuer.example")
    signed = certify(tmp_path, "source.example", "-CA", str(issuer), "-CAkey", str(key))
    with behind_tls(Starlette(), *signed) as port:
        silent = search(f"https://source.example:{port}")
    trusted = "nobody whom this machine trusts stands behind its certificate"
    assert silent.reason == f"cannot be reached: {trusted}"


def test_what_speaks_no_tls_is_silent_with_a_sentence():
    with HostileServer({"plain": speaks_no_http}) as server:
        silent = search(f"https://source.example:{server.port}")
    assert silent.reason == "cannot be reached: it does not speak TLS, or broke off"
