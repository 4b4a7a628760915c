"""What the environment says of proxies, certificates and headers: named where it is at fault."""

from __future__ import annotations

import http.client
import importlib.util
import shutil
import socket
import ssl
import subprocess
import threading
import time

import pytest
from click.testing import CliRunner

from taskwright.cli import doctor
from taskwright.cli.main import cli
from taskwright.config import EmbedderConfig
from taskwright.errors import ModelError, UsageError
from taskwright.generator.embedder import ServedEncoder
from taskwright.generator.model.log import read_calls
from taskwright.generator.model.network import proxy_shown
from taskwright.task import Cost

OURS = [f"{name}_PROXY" for name in ("HTTP", "HTTPS", "ALL", "NO")] + ["SSL_CERT_FILE"]
OURS += ["SSL_CERT_DIR", "SSLKEYLOGFILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"]
PASSWORD = "p@ss:word"
HAS_SOCKS = importlib.util.find_spec("socksio") is not None


@pytest.fixture(autouse=True)
def nothing_is_set(monkeypatch):
    for name in (*OURS, *map(str.lower, OURS)):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def answering():
    """Makes a server that answers whatever it is sent with the same bytes; its port and what it was
    sent."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        heard: list[bytes] = []

        def serve(answer: bytes) -> tuple[int, list[bytes]]:
            def work() -> None:
                while True:
                    try:
                        connection, _ = listening.accept()
                    except OSError:
                        return
                    with connection:
                        heard.append(connection.recv(100_000))
                        connection.sendall(answer)

            threading.Thread(target=work, daemon=True).start()
            return listening.getsockname()[1], heard

        yield serve
        listening.shutdown(socket.SHUT_RDWR)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """A file with a certificate that nobody has signed, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("This host has no openssl to make a certificate with.")
    path = tmp_path_factory.mktemp("certificate") / "both.pem"
    subprocess.run(
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost "
        f"-addext subjectAltName=IP:127.0.0.1 -keyout {path} -out {path}.crt".split(),
        check=True,
        capture_output=True,
    )
    with path.open("a") as file:
        file.write(path.with_suffix(".pem.crt").read_text())
    return path


PROXY_FAULTS = {
    "socks://127.0.0.1:1080": r"no kind of proxy .*socks5.*Write {}=socks5://HOST:PORT",
    "socks4://127.0.0.1:1080": r"no kind of proxy",
    "htp://127.0.0.1:3128": r"no kind of proxy .*Correct {}, as in {}=http://HOST:PORT",
    '"http://127.0.0.1:3128"': r"no kind of proxy",
    "http://": "not the address of a proxy",
    "http://proxy:port": "not the address of a proxy",
    "http://[::1": "not the address of a proxy",
    "http://proxy:99999": "not the address of a proxy",
    "http://my proxy:3128": "not the address of a proxy",
    "http://me:pass/word@proxy:3128": "not the address of a proxy.*write .* as %2F",
    "http://proxy:3128\n": "not the address of a proxy",
    "   ": "not the address of a proxy",
}


@pytest.mark.parametrize("variable", ["ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy"])
@pytest.mark.parametrize("value", PROXY_FAULTS, ids=ascii)
def test_a_proxy_that_is_none_is_named_with_its_value_at_once(
    model, meter, model_server, monkeypatch, tmp_path, variable, value
):
    monkeypatch.setenv(variable, value)
    asked = model(max_retries=5)
    named = PROXY_FAULTS[value].replace("{}", variable)
    for ask in (asked.greet, lambda: asked.ask("idea", "?", str, meter)):
        with pytest.raises(
            UsageError, match=rf"{variable}=\S* ?\S* (names|is) .*{named}"
        ) as caught:
            ask()
        assert "pass/" not in str(caught.value)
    assert (meter.read(), asked.total) == (Cost(), Cost())
    assert list(read_calls(tmp_path)) == []
    assert model_server.requests == []


@pytest.mark.skipif(HAS_SOCKS, reason="Here the package is installed.")
@pytest.mark.parametrize("kind", ["socks5", "socks5h"])
def test_a_socks_proxy_without_the_package_for_it_is_told_with_its_name(model, monkeypatch, kind):
    monkeypatch.setenv("ALL_PROXY", f"{kind}://127.0.0.1:1080")
    with pytest.raises(UsageError, match=r"ALL_PROXY=socks5.*pip install socksio"):
        model().greet()


def test_a_faulty_proxy_for_other_servers_is_no_matter_where_the_client_can_be_made(
    model, model_server, monkeypatch
):
    monkeypatch.setenv("HTTPS_PROXY", "http://")
    model().greet()
    # The library makes clients for all proxies at once.
    monkeypatch.setenv("HTTPS_PROXY", "socks://127.0.0.1:1")
    with pytest.raises(UsageError, match="HTTPS_PROXY=socks"):
        model().greet()
    monkeypatch.setenv("NO_PROXY", "*")
    model().greet()


def test_no_proxy_lets_a_server_be_asked_past_a_proxy_that_is_not_there(
    model, meter, model_server, monkeypatch, unused_url
):
    monkeypatch.setenv("ALL_PROXY", unused_url)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert model().ask("idea", "?", str, meter) == "hello"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (f"http://me:{PASSWORD}@proxy:3128", "X=http://[hidden]@proxy:3128"),
        (f"me:{PASSWORD}@proxy:3128", "X=[hidden]@proxy:3128"),
        (f"socks5h://{PASSWORD}@[::1]:1", "X=socks5h://[hidden]@[::1]:1"),
        ("http://proxy:3128/\x1b[31m", "X=http://proxy:3128/"),
    ],
)
def test_the_password_of_a_proxy_is_not_shown(value, shown):
    assert proxy_shown("X", value) == shown


def test_a_proxy_that_nobody_answers_for_is_named_and_not_the_server(
    model, meter, model_server, monkeypatch, unused_url
):
    port = unused_url.partition("127.0.0.1:")[2].partition("/")[0]
    monkeypatch.setenv("http_proxy", f"http://me:{PASSWORD}@127.0.0.1:{port}")
    shown = rf"http_proxy=http://\[hidden\]@127.0.0.1:{port}"
    named = rf"no connection through the proxy of {shown} \(Connection refused\)"
    with pytest.raises(ModelError, match=f"{named}.*Check http_proxy, or name the server in NO_P"):
        model().greet()
    with pytest.raises(ModelError, match=f"cannot be reached, 2 times: {named}"):
        model().ask("idea", "?", str, meter)
    assert meter.read() == Cost()


WANTS_PASSWORD = (
    b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Type: text/html\r\n"
    b"Content-Length: 34\r\n\r\n<html><h1>Cache Access Denied</h1>"
)


def test_a_proxy_that_wants_a_password_is_told_how_to_get_one(model, meter, answering, monkeypatch):
    port, heard = answering(WANTS_PASSWORD)
    monkeypatch.setenv("HTTP_PROXY", f"127.0.0.1:{port}")
    how = f"Set HTTP_PROXY=http://NAME:PASSWORD@127.0.0.1:{port}"
    with pytest.raises(ModelError, match=f"status 407: “Cache Access Denied”.*{how}"):
        model(base_url="http://model.invalid/v1").ask("idea", "?", str, meter)
    assert len(heard) == 1
    assert meter.read() == Cost(calls=1), "it was sent the prompt"


def test_a_tunnel_that_a_proxy_refuses_costs_nothing_and_is_not_asked_for_again(
    model, meter, answering, monkeypatch
):
    port, heard = answering(WANTS_PASSWORD)
    monkeypatch.setenv("ALL_PROXY", f"http://me:{PASSWORD}@127.0.0.1:{port}")
    asked = model(base_url="https://model.invalid/v1")
    how = rf"Set ALL_PROXY=http://NAME:PASSWORD@127.0.0.1:{port}\."
    with pytest.raises(ModelError, match=rf"reached, once: .* the proxy of .*\(407 Proxy.*{how}"):
        asked.ask("idea", "?", str, meter)
    assert [request.split()[0] for request in heard] == [b"CONNECT"]
    assert meter.read() == Cost()
    with pytest.raises(ModelError, match="407 Proxy"):
        asked.greet()


@pytest.mark.parametrize("what", ["missing", "a folder", "no certificates", "empty"])
def test_certificates_that_are_none_are_told_with_their_variable(
    model, meter, model_server, monkeypatch, tmp_path, what
):
    path = tmp_path / "certificates.pem"
    if what == "a folder":
        path.mkdir()
    elif what != "missing":
        path.write_text("" if what == "empty" else "-----BEGIN CERTIFICATE-----\nno\n")
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    asked = model()
    for ask in (asked.greet, lambda: asked.ask("idea", "?", str, meter)):
        with pytest.raises(UsageError, match=r"SSL_CERT_FILE=.*certificates.pem (cannot|holds no)"):
            ask()
    assert meter.read() == Cost()


@pytest.mark.parametrize("what", ["missing", "a file", "empty"])
def test_folders_of_certificates_without_any_are_told_with_their_variable(
    model, model_server, monkeypatch, tmp_path, what
):
    folder = tmp_path / "certificates"
    if what == "a file":
        folder.write_text("")
    elif what == "empty":
        folder.mkdir()
        (folder / "mine.pem").write_text("not named by its hash")
    monkeypatch.setenv("SSL_CERT_DIR", str(folder))
    with pytest.raises(UsageError, match=r"SSL_CERT_DIR=.*certificates (cannot|holds no)"):
        model().greet()
    good = tmp_path / "good"
    good.mkdir()
    (good / "0a1b2c3d.0").touch()
    monkeypatch.setenv("SSL_CERT_DIR", f"{folder}:{good}")
    model().greet()


def test_headers_of_the_environment_that_cannot_be_sent_are_told_with_their_variable(
    model, meter, model_server, monkeypatch
):
    for variable, value in (
        ("OPENAI_ORG_ID", "org-1\n"),
        ("OPENAI_PROJECT_ID", "prøject"),
        ("OPENAI_CUSTOM_HEADERS", "X-A: 1\nX-B: “2”"),
    ):
        monkeypatch.setenv(variable, value)
        with pytest.raises(UsageError, match=f"{variable} holds a line end or another character"):
            model().greet()
        monkeypatch.delenv(variable)
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-A: 1\nX B: a secret that is none of ours")
    with pytest.raises(ModelError, match=r"was not asked: HTTP does not take .* header") as caught:
        model(max_retries=5).ask("idea", "?", str, meter)
    assert "secret" not in str(caught.value)
    assert meter.read() == Cost()
    assert model_server.requests == []


def test_a_role_with_a_server_of_its_own_and_the_embedder_are_told_the_same(
    model, model_server, monkeypatch, tmp_path
):
    monkeypatch.setenv("HTTPS_PROXY", "http://")
    asked = model(roles={"code": {"base_url": "https://judge.invalid/v1"}})
    with pytest.raises(UsageError, match="HTTPS_PROXY=http:// is not the address"):
        asked.greet()
    with pytest.raises(UsageError, match="HTTPS_PROXY=http:// is not the address"):
        ServedEncoder(EmbedderConfig(base_url="https://embedder.invalid/v1"))
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere.pem")
    with pytest.raises(UsageError, match=r"SSL_CERT_FILE=/nowhere\.pem cannot be read"):
        ServedEncoder(EmbedderConfig(base_url=model_server.url))


def test_doctor_and_run_say_the_same(model_server, monkeypatch, tmp_path):
    monkeypatch.setenv("ALL_PROXY", "socks://127.0.0.1:1080")
    for name in ("_sandbox", "_isolation", "_renderer", "_embedder"):
        monkeypatch.setattr(doctor, name, lambda *_: doctor.Finding("left out", "ok", ""))
    (found,) = [f for f in doctor.examine(model_server.url) if f.name == "model"]
    assert found.state == "failed"
    arguments = ["run", str(tmp_path / "run"), "--model=m", f"--base-url={model_server.url}"]
    ended = CliRunner().invoke(cli, arguments)
    assert str(ended.exception) == found.detail
    assert not (tmp_path / "run").exists()


def test_a_certificate_that_is_not_trusted_is_told_with_the_way_to_trust_it(
    model, meter, certificate, monkeypatch
):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    body = b'{"choices": [{"message": {"content": "hello"}, "finish_reason": "stop"}]}'
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                    with context.wrap_socket(connection, server_side=True) as secured:
                        # What is left unread would make closing break the connection.
                        request = secured.makefile("rb")
                        sent = http.client.parse_headers(request) if request.readline() else {}
                        request.read(int(sent.get("Content-Length", 0)))
                        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n"
                        secured.sendall(head.encode() + body)
                except ssl.SSLError:
                    continue
                except OSError:
                    return

        threading.Thread(target=serve, daemon=True).start()
        url = f"https://127.0.0.1:{listening.getsockname()[1]}/v1"
        with pytest.raises(
            ModelError, match=r"reached, once: its certificate is not trusted \(self"
        ):
            model(base_url=url, max_retries=5).ask("idea", "?", str, meter)
        assert meter.read() == Cost()
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        with pytest.raises(ModelError, match="REQUESTS_CA_BUNDLE is not read here: set SSL_CERT_F"):
            model(base_url=url).greet()
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert model(base_url=url).ask("idea", "?", str, meter) == "hello"


def test_a_server_that_does_not_speak_tls_is_not_reached_and_says_why(model, meter, model_server):
    url = model_server.url.replace("http:", "https:")
    with pytest.raises(ModelError, match=r"no connection \(.*SSL"):
        model(base_url=url, max_retries=0).ask("idea", "?", str, meter)
    assert meter.read() == Cost()


def test_a_handshake_that_never_ends_costs_nothing(model, meter):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}/v1"
        started = time.monotonic()
        with pytest.raises(
            ModelError, match=r"reached, 2 times: no connection \(not within 0\.3 s\)"
        ):
            model(base_url=url, timeout_s=0.3).ask("idea", "?", str, meter)
        assert time.monotonic() - started < 4
    assert meter.read() == Cost()
