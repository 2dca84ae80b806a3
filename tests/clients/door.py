"""The vendor's front door on loopback: lets published clients reach a simulated account by its real host name.

The clients speak only https to names that the vendor owns. This is an HTTPS_PROXY that answers for exactly those
names with a certificate of its own, and hands each request to the simulated account over plain HTTP. It changes no
request and no answer but the prefix of the path: the older product serves its API under `/api`, the newer one
under `/crm/sales/api`, and the account has one of them. Any other name is refused, so nothing leaves the machine.
"""

import http.client
import socketserver
import ssl
import subprocess
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

# Host name endings, with the prefix of their API.
HOSTS = {".freshsales.io": "/api", ".myfreshworks.com": "/crm/sales/api"}

# Not handed on: they are about one connection.
HOP = {"connection", "keep-alive", "transfer-encoding", "proxy-connection", "te", "upgrade", "host"}


def certificate(folder: Path) -> Path:
    """Makes a key and a certificate for the names, for one day; gives the certificate."""
    names = ",".join(f"DNS:*{ending}" for ending in HOSTS)
    cert, key = folder / "door.crt", folder / "door.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=door",
         "-addext", f"subjectAltName={names}", "-keyout", str(key), "-out", str(cert)],
        check=True, capture_output=True, timeout=30)
    return cert


class Door(ThreadingHTTPServer):
    """The door to one account."""

    daemon_threads = True

    def __init__(self, account: str, folder: Path):
        super().__init__(("127.0.0.1", 0), Handler)
        self.account = urllib.parse.urlsplit(account)
        self.certificate = certificate(folder)
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(self.certificate, folder / "door.key")
        self.refused: set[str] = set()
        self.calls = 0
        self.failed: list[str] = []
        self.lock = threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        """What clients take as HTTPS_PROXY."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request, client_address):
        """A client that goes away is no fault."""


class Handler(BaseHTTPRequestHandler):
    """One connection: CONNECT, then TLS, then requests."""

    protocol_version = "HTTP/1.1"
    prefix = None

    def log_message(self, *_):
        """Nothing: the account counts its calls itself."""

    def do_CONNECT(self):
        name = self.path.rsplit(":", 1)[0].lower()
        ending = next((e for e in HOSTS if name.endswith(e)), None)
        if ending is None:
            with self.server.lock:
                self.server.refused.add(name)
            self.send_error(403, "not a name of the vendor")
            self.close_connection = True
            return
        self.prefix = HOSTS[ending]
        self.send_response(200)
        self.end_headers()
        self.wfile.flush()
        self.connection = self.server.tls.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb", -1)
        self.wfile = socketserver._SocketWriter(self.connection)
        self.close_connection = False

    def forward(self):
        """Hands the request on, and the answer back."""
        if self.prefix is None:
            self.send_error(400, "CONNECT first")
            return
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(length) if length else None
        account = self.server.account
        path = self.path
        if path.startswith(self.prefix):
            path = account.path + path[len(self.prefix):]
        link = http.client.HTTPConnection(account.hostname, account.port, timeout=30)
        headers = {k: v for k, v in self.headers.items() if k.lower() not in HOP}
        link.request(self.command, path, body, headers)
        answer = link.getresponse()
        content = answer.read()
        link.close()
        with self.server.lock:
            self.server.calls += 1
            if answer.status >= 400:
                self.server.failed.append(f"{answer.status} {self.command} {self.path}")
        self.send_response_only(answer.status, answer.reason)
        for key, value in answer.getheaders():
            if key.lower() not in HOP and key.lower() != "content-length":
                self.send_header(key, value)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = forward
