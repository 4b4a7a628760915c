"""Making the HTTP client. Where a variable of the environment keeps it from being made, or keeps it
from reaching anybody, that variable is named, with its value and how to mend it.
"""

from __future__ import annotations

import importlib.util
import os
import re
import socket
import ssl
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import openai

from ...errors import UsageError
from .roles import fits_a_header
from .words import one_line

PROXIED = ("http", "https", "all")
"""The schemes that a proxy can be for, as the names of the variables begin."""
PROXY_KINDS = ("http", "https", "socks5", "socks5h")
DEFAULT_PORTS = {"http": 80, "https": 443}
BUNDLES_OF_OTHERS = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Variables that name certificates for other programs; ours does not read them."""
IN_HEADERS = ("OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_CUSTOM_HEADERS")
"""Variables that the client of the package `openai` sends along."""
HEADERS_HINT = f"Check {', '.join(IN_HEADERS)} and the key: each header is one line of ASCII."
SHOWN = 120
"""Characters of a variable's value that are shown."""

_HTTP = openai.DefaultAsyncHttpxClient.__mro__[1].__module__.partition(".")[0]
HTTP: Any = sys.modules[_HTTP]
"""The HTTP library under `openai`: httpx in its version 2, httpx2 in its version 3."""


def make_client(
    server: str, key: str, hooks: Mapping[str, list[Callable[..., Any]]]
) -> openai.AsyncOpenAI:
    """A client for a server, with hooks into each request and response. Raises UsageError where
    the environment or the address keeps it from being made."""
    for fault in _faults_for(server):
        raise fault
    try:
        http_client = openai.DefaultAsyncHttpxClient(timeout=None, event_hooks=hooks)
    except Exception as error:
        reason = reason_of(error)
        for fault in _faults_anywhere(reason):
            raise fault from None
        raise UsageError(
            f"The HTTP client cannot be made: {reason}.",
            "Check the environment's variables for proxies and certificates.",
        ) from None
    try:
        # Deadlines and retries are ours.
        return openai.AsyncOpenAI(
            api_key=key, base_url=server, timeout=None, max_retries=0, http_client=http_client
        )
    except Exception as error:
        raise UsageError(
            f"The server {server} cannot be asked: {reason_of(error)}.", "Check its address."
        ) from None


# What the environment says.


def proxy_for(server: str) -> tuple[str, str] | None:
    """The variable that names the proxy for a server, and its value; None where there is none."""
    parts = urlsplit(server)
    if proxy_bypass(parts.netloc):
        return None
    proxies = _proxies()
    return proxies.get(parts.scheme) or proxies.get("all")


def proxy_shown(variable: str, value: str) -> str:
    """A proxy's variable and value, without what may be a password."""
    beginning, separator, rest = value.rpartition("@")
    if separator:
        scheme = re.match(r"[a-z0-9+.-]*://", beginning, re.IGNORECASE)
        value = f"{scheme[0] if scheme else ''}[hidden]@{rest}"
    return f"{variable}={one_line(value, SHOWN)}"


def password_hint(variable: str, value: str) -> str:
    """How to give a proxy a user name and a password."""
    kind, separator, place = value.rpartition("://")
    place = one_line(place.rpartition("@")[2].rstrip("/"), SHOWN)
    return f"Set {variable}={kind if separator else 'http'}://NAME:PASSWORD@{place}."


def is_direct(server: str, peer: tuple[str, int]) -> bool:
    """Whether a connection to this host and port leads to the server itself."""
    parts = urlsplit(server)
    return peer == (parts.hostname, parts.port or DEFAULT_PORTS[parts.scheme])


def is_distrust(error: BaseException | None) -> bool:
    """Whether an error comes of a certificate that is not trusted."""
    return error is not None and (
        isinstance(error, ssl.SSLCertVerificationError) or is_distrust(_cause(error))
    )


def certificates_hint() -> str:
    """How to make a server's certificate trusted."""
    of_others = [name for name in BUNDLES_OF_OTHERS if os.environ.get(name)]
    if of_others and not os.environ.get("SSL_CERT_FILE"):
        return f"{of_others[0]} is not read here: set SSL_CERT_FILE to that file."
    return "Name a file with your network's certificates in SSL_CERT_FILE, or correct its address."


def reason_of(error: BaseException) -> str:
    """The words of a network error, taken from its first cause."""
    if isinstance(error, BaseExceptionGroup):
        return reason_of(error.exceptions[0])
    if cause := _cause(error):
        return reason_of(cause)
    if isinstance(error, ssl.SSLCertVerificationError):
        return one_line(error.verify_message)
    text = str(error)
    if isinstance(error, (ssl.SSLError, socket.gaierror)):
        text = error.strerror or text
    elif isinstance(error, OSError) and error.errno:
        # Its own words may be nothing but the address.
        text = os.strerror(error.errno)
    return one_line(text).rstrip(".") or type(error).__name__


def _cause(error: BaseException) -> BaseException | None:
    # The libraries keep the cause from being shown, not from being found.
    return error.__cause__ or error.__context__


def _proxies() -> dict[str, tuple[str, str]]:
    """By what it is for, the variable and the address of each proxy. Lower case goes before upper
    case, as everywhere."""
    found = {}
    for purpose, address in getproxies().items():
        if purpose in PROXIED and address:
            names = [name for name, value in os.environ.items() if value == address]
            variable = next((n for n in names if n.lower() == f"{purpose}_proxy"), None)
            found[purpose] = (variable or f"{purpose}_proxy", address)
    return found


def _faults_for(server: str) -> Iterator[UsageError]:
    """What is wrong in the environment with what a request to a server needs."""
    if proxy := proxy_for(server):
        yield from _proxy_fault(*proxy)
    yield from _certificate_fault()
    yield from _header_fault()


def _faults_anywhere(reason: str) -> Iterator[UsageError]:
    """Variables that may have prevented the client, though they do not concern its server."""
    for proxy in _proxies().values():
        yield from _proxy_fault(*proxy)
    if path := os.environ.get("SSLKEYLOGFILE"):
        try:
            with open(path, "a"):
                pass
        except OSError as error:
            yield UsageError(
                f"SSLKEYLOGFILE={one_line(path, SHOWN)} cannot be written to ({error.strerror}).",
                "Unset it, or name a file that you may write.",
            )
    for variable in ("no_proxy", "NO_PROXY"):
        if value := os.environ.get(variable):
            # Nothing else is left that the library reads; in some versions it takes no networks.
            yield UsageError(
                f"{variable}={one_line(value, SHOWN)} cannot be read: {reason}.",
                f"Let {variable} list names of hosts, with commas between them.",
            )


def _proxy_fault(variable: str, value: str) -> Iterator[UsageError]:
    shown = proxy_shown(variable, value)
    whole = value if "://" in value else f"http://{value}"
    kind = whole.partition("://")[0].lower()
    if kind not in PROXY_KINDS:
        yield UsageError(
            f"{shown} names no kind of proxy that is known ({', '.join(PROXY_KINDS)}).",
            f"Write {variable}=socks5://HOST:PORT."
            if kind.startswith("socks")
            else f"Correct {variable}, as in {variable}=http://HOST:PORT, or unset it.",
        )
        return
    try:
        parts = urlsplit(whole)
        is_address = bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address or any(c.isspace() or not c.isprintable() for c in value):
        yield UsageError(
            f"{shown} is not the address of a proxy.",
            f"Correct {variable}, as in {variable}={kind}://HOST:PORT, or unset it; in a password, "
            "write characters such as / and @ as %2F and %40.",
        )
    elif kind.startswith("socks") and importlib.util.find_spec("socksio") is None:
        yield UsageError(
            f"{shown} names a SOCKS proxy, which needs the package `socksio`.",
            f"Install it with `pip install socksio`, or unset {variable}.",
        )


def _certificate_fault() -> Iterator[UsageError]:
    variable, what = "SSL_CERT_FILE", "a file of certificates"
    if value := os.environ.get(variable):
        fault = _fault_of_file(value)
    else:
        variable, what = "SSL_CERT_DIR", "a folder of certificates, named as `openssl rehash` does"
        value = os.environ.get(variable, "")
        fault = _fault_of_folders(value) if value else ""
    if fault:
        yield UsageError(
            f"{variable}={one_line(value, SHOWN)} {fault}.",
            f"Let it name {what}, or unset it to trust those of this system.",
        )


def _fault_of_file(path: str) -> str:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
    except ssl.SSLError:
        return "holds no certificates"
    except OSError as error:
        return f"cannot be read ({error.strerror or error})"
    return ""


def _fault_of_folders(paths: str) -> str:
    """OpenSSL takes several, and finds a certificate by the hash that is its file's name."""
    fault = "names no folder"
    for path in paths.split(os.pathsep):
        try:
            names = os.listdir(path)
        except OSError as error:
            fault = f"cannot be read ({error.strerror or error})"
            continue
        if any(re.fullmatch(r"[0-9a-f]{8}\.\d+", name) for name in names):
            return ""
        fault = "holds no certificates"
    return fault


def _header_fault() -> Iterator[UsageError]:
    for variable in IN_HEADERS:
        text = os.environ.get(variable, "")
        lines = [line.strip() for line in text.split("\n")] if "HEADERS" in variable else [text]
        if not all(fits_a_header(line) for line in lines):
            yield UsageError(
                f"{variable} holds a line end or another character that no HTTP header takes.",
                f"Correct {variable}, or unset it.",
            )
