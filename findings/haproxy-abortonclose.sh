#!/usr/bin/env bash
# HAProxy and `option abortonclose`, before a server that makes an account for each call.
#
# Version: haproxy 2.6.12-1+deb12u4 of Debian 12. Another version is not judged: exit code 2.
# The option may stand in a backend, by HAProxy's manual, and makes HAProxy give a request up whose client has left. One
# would expect that a server which has the request sees so, by which it knows that nobody received its answer. But in
# the backend alone the option does nothing for it: the connection stays open, with TLS and without. It does what it says
# where the frontend has it, too, as from `defaults`.
# Output seen (what the server sees of a client that leaves after its request was passed on):
#   backend: nothing
#   defaults: reset
# What touches users of the shim: deploy/haproxy has it in `defaults`; docs/journal.md says what depends on it.
# Exits 1 if the behaviour changes.
set -euo pipefail
wanted=2.6.12-1+deb12u4
found=$(dpkg-query -W -f='${Version}' haproxy 2>/dev/null || true)
if [ "$found" != "$wanted" ]; then
  echo "needs Debian's haproxy $wanted (apt-get install haproxy=$wanted); found: ${found:-none}"
  exit 2
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
openssl req -x509 -newkey rsa:2048 -nodes -keyout key -out certificate -days 2 -subj /CN=localhost 2>/dev/null
cat certificate key >pem
cat >leave.py <<'PYTHON'
import shutil
import socket
import ssl
import subprocess
import time

PROGRAM = shutil.which("haproxy", path="/usr/sbin:/usr/bin")
REQUEST = b"POST / HTTP/1.1\r\nHost: example\r\nContent-Length: 3\r\n\r\nadd"
CONFIGURATION = """
defaults
    mode http
    timeout connect 2s
    timeout client 30s
    timeout server 30s
    {defaults}
frontend calls
    bind 127.0.0.1:{port} ssl crt pem
    default_backend servers
backend servers
    {backend}
    server one 127.0.0.1:{server}
"""


def connection(port):
    context = ssl.create_default_context(cafile="certificate")
    context.check_hostname = False
    deadline = time.monotonic() + 20
    while True:
        try:
            return context.wrap_socket(socket.create_connection(("127.0.0.1", port)))
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def seen(place):
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
        free.close()
        lines = {"defaults": "", "backend": ""} | {place: "option abortonclose"}
        with open("haproxy.cfg", "w") as file:
            file.write(CONFIGURATION.format(port=port, server=server.getsockname()[1], **lines))
        haproxy = subprocess.Popen([PROGRAM, "-db", "-f", "haproxy.cfg"], stderr=subprocess.DEVNULL)
        try:
            connection(port).close()
            client = connection(port)
            client.sendall(REQUEST)
            server.settimeout(20)
            request, _ = server.accept()
            with request:
                request.settimeout(4)
                assert request.recv(1000).startswith(b"POST")
                client.close()
                try:
                    return "end" if not request.recv(1) else "more"
                except ConnectionResetError:
                    return "reset"
                except TimeoutError:
                    return "nothing"
        finally:
            haproxy.kill()
            haproxy.wait()


for place in ("backend", "defaults"):
    print(f"{place}: {seen(place)}", flush=True)
PYTHON
python3 leave.py | tee seen
diff - seen <<'SEEN'
backend: nothing
defaults: reset
SEEN
