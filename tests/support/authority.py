"""A certificate authority for servers on the loopback address."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

PEM = serialization.Encoding.PEM
DAY = timedelta(days=1)
Flaw = Literal["", "constraints", "identifiers"]
_SIGNS_CERTIFICATES = x509.KeyUsage(
    key_cert_sign=True,
    crl_sign=True,
    digital_signature=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    encipher_only=False,
    decipher_only=False,
)
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class Authority:
    """Issues server certificates; `file` is its own certificate, for `ca_file`.

    All that it makes passes VERIFY_X509_STRICT, unless it is to have a `flaw`:
    basicConstraints that are not critical, or no key identifiers. An authority with an `issuer`
    is an intermediate one.
    """

    def __init__(
        self,
        folder: Path,
        name: str = "Test CA",
        *,
        issuer: Authority | None = None,
        flaw: Flaw = "",
    ) -> None:
        self._folder = folder
        self._flaw = flaw
        self.key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._serial = 0
        issuing = issuer or self
        own = issuing.build(self._name, self.key, DAY).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), flaw != "constraints"
        )
        own = own.add_extension(_SIGNS_CERTIFICATES, critical=True)
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(own.sign(issuing.key, hashes.SHA256()).public_bytes(PEM))

    def serving(self) -> Path:
        """Return a PEM file with its own certificate and key, for a server that says CA:TRUE."""
        file = self._folder / "authority-serving.pem"
        file.write_bytes(self.file.read_bytes() + _pem(self.key))
        return file

    def issue(
        self,
        host: str = "127.0.0.1",
        *,
        starts: timedelta = -10 * DAY,
        expires: timedelta = DAY,
        self_signed: bool = False,
        key: Key | None = None,
    ) -> Path:
        """Return a PEM file with a certificate for `host` (an IP address or a name) and its key."""
        key = key or ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "server")])
        entry = x509.IPAddress(ip_address(host)) if host[0].isdigit() else x509.DNSName(host)
        certificate = (
            self.build(subject, key, expires, starts, issuer=not self_signed)
            .add_extension(x509.SubjectAlternativeName([entry]), critical=False)
            .sign(key if self_signed else self.key, hashes.SHA256())
        )
        self._serial += 1
        file = self._folder / f"server-{self._serial}.pem"
        file.write_bytes(certificate.public_bytes(PEM) + _pem(key))
        return file

    def build(
        self,
        subject: x509.Name,
        key: Key,
        expires: timedelta,
        starts: timedelta = -10 * DAY,
        issuer: bool = True,
    ) -> x509.CertificateBuilder:
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name if issuer else subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(datetime.now(UTC) + starts)
            .not_valid_after(datetime.now(UTC) + expires)
        )
        if self._flaw == "identifiers":
            return builder
        own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        signer = (self.key if issuer else key).public_key()
        of_signer = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer)
        return builder.add_extension(own, False).add_extension(of_signer, False)


def _pem(key: Key) -> bytes:
    return key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def certificate_only(file: Path) -> str:
    """Return the certificate of a PEM file without the key, as it is pinned."""
    return x509.load_pem_x509_certificate(file.read_bytes()).public_bytes(PEM).decode()


def server_context(file: Path) -> ssl.SSLContext:
    """Return the server's side of TLS with the certificate and key of `file`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context
