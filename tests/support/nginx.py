"""nginx and PHP-FPM as processes of their own, on loopback, with their files in one folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.support.php_server import SCRIPT, PhpDirectory
from tests.support.ports import free_port
from tests.support.programs import require, running

_NGINX = """
daemon off;
{user}
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    # So a test can ask from any address.
    set_real_ip_from 127.0.0.1;
    real_ip_header X-Forwarded-For;
    gzip on;
    gzip_types *;
    {http}
    server {{
        listen 127.0.0.1:{port};
        {server}
    }}
}}
"""
_FPM = """
[global]
daemonize = no
error_log = {folder}/fpm.log
[directory]
listen = 127.0.0.1:{port}
pm = static
pm.max_children = 2
catch_workers_output = yes
{user}
"""
_FASTCGI = """
location / {{
    fastcgi_pass 127.0.0.1:{port};
    fastcgi_param SCRIPT_FILENAME {script};
    fastcgi_param REQUEST_METHOD $request_method;
    fastcgi_param CONTENT_TYPE $content_type;
    fastcgi_param CONTENT_LENGTH $content_length;
}}
"""


@contextmanager
def running_nginx(folder: Path, server: str, http: str = "", port: int = 0) -> Iterator[str]:
    """Run nginx with these lines in its `server` and `http` blocks; yield its URL."""
    program = require("nginx", "nginx-light")
    port = port or free_port()
    config = folder / "nginx.conf"
    user = "user root;" if os.geteuid() == 0 else ""
    config.write_text(_NGINX.format(folder=folder, user=user, http=http, port=port, server=server))
    command = [program, "-p", str(folder), "-e", f"{folder}/nginx-error.log", "-c", str(config)]
    with running(command, port, folder / "nginx-error.log"):
        yield f"http://127.0.0.1:{port}/"


class FpmDirectory(PhpDirectory):
    """The directory in PHP, served by nginx and PHP-FPM."""

    def __init__(self, folder: Path, credentials: tuple[str, str]) -> None:
        super().__init__(folder, credentials)
        self._folder = folder
        self._fpm = _fpm_program()
        self._fpm_port = free_port()
        self._servers = ExitStack()
        self._workers = ExitStack()

    def start(self) -> None:
        """Start both and wait until they answer."""
        self.write()
        self.start_fpm()
        lines = _FASTCGI.format(port=self._fpm_port, script=SCRIPT)
        self._servers.enter_context(running_nginx(self._folder, lines, port=self.port))

    def start_fpm(self) -> None:
        """Start PHP-FPM behind a running nginx."""
        user_name, password = self._credentials
        environment = {
            "DIRECTORY_STATE": str(self._state),
            "DIRECTORY_USER": user_name,
            "DIRECTORY_PASSWORD": password,
        }
        config = self._folder / "fpm.conf"
        lines = ["user = root", "group = root"] if os.geteuid() == 0 else []
        lines.append("clear_env = no")
        config.write_text(
            _FPM.format(folder=self._folder, port=self._fpm_port, user="\n".join(lines))
        )
        command = [self._fpm, "-F", "-R", "-n", "-y", str(config)]
        log = self._folder / "fpm.log"
        self._workers.enter_context(running(command, self._fpm_port, log, env=environment))

    def stop_fpm(self) -> None:
        """End PHP-FPM; nginx goes on."""
        self._workers.close()

    def stop(self) -> None:
        """End both."""
        self._workers.close()
        self._servers.close()


def _fpm_program() -> str:
    """Return the path of PHP-FPM, whose name has its version on Debian."""
    folders = [Path(folder) for folder in os.environ["PATH"].split(os.pathsep)]
    found = sorted(str(path) for folder in folders for path in folder.glob("php-fpm*"))
    return found[-1] if found else require("php-fpm", "php-fpm")
