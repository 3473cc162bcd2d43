"""A certificate for a trial on one machine, from an authority that signs it and forgets its own key.

For people and browsers to be trusted only by those who choose to; a real installation brings its own.
"""

import subprocess
import tempfile
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path

DAYS = "825"
_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
_AUTHORITY = """\
[req]
distinguished_name = name
prompt = no
x509_extensions = extensions
[name]
CN = Baton, authority of one installation
[extensions]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
"""
_SERVER = """\
[req]
distinguished_name = name
prompt = no
x509_extensions = extensions
[name]
CN = {first}
[extensions]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = {names}
"""


class CertificateFailed(Exception):
    """openssl is missing or refused; the text is its last line."""


def make(certificate: Path, key: Path, authority: Path, names: Sequence[str]) -> None:
    """Write a server's certificate and key, and the certificate of the authority by which to trust it.

    Raises: CertificateFailed.
    """
    with tempfile.TemporaryDirectory() as folder:
        signing = Path(folder) / "authority.key"
        settings = Path(folder) / "settings"
        settings.write_text(_AUTHORITY)
        _openssl("-config", settings, *_KEY, "-keyout", signing, "-out", authority)
        settings.write_text(_SERVER.format(first=names[0], names=", ".join(map(_alternative, names))))
        signed_by = ("-CA", authority, "-CAkey", signing)
        _openssl("-config", settings, *_KEY, *signed_by, "-keyout", key, "-out", certificate)


def _alternative(name: str) -> str:
    try:
        return f"IP:{ip_address(name)}"
    except ValueError:
        return f"DNS:{name}"


def _openssl(*arguments: str | Path) -> None:
    command = ["openssl", "req", "-x509", "-days", DAYS, *map(str, arguments)]
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise CertificateFailed("openssl is not installed") from error
    if done.returncode != 0:
        raise CertificateFailed((done.stderr.strip().splitlines() or ["openssl failed"])[-1])
