#!/usr/bin/env python3
"""uptick beside what one would take instead, in one run and against the same servers: what a check costs from
start to exit, what many cost, and what each says of the same faults.

    benches/side_by_side.py [--uptick target/dist/uptick] [--rounds 30] [--requests 2000] [--markdown FILE]

Measured where they are installed: curl, check_http, hurl, oha, hey, blackbox_exporter. What is missing is named.
Nothing leaves the loopback interface. The times are those of the kernel for a process that ended; its memory is what
GNU time says, since a process that Python starts counts as large as Python was. For blackbox_exporter, a daemon, they
are those of /proc over the requests it was sent.
"""

import argparse
import os
import shutil
import socket
import ssl
import statistics
import subprocess
import tempfile
import threading
import time
import urllib.parse
import urllib.request

BODY = b"<!doctype html><title>hello</title><p>all is well"
TIMEOUT = 2


def head(status, length, *more):
    lines = [f"HTTP/1.1 {status}", "content-type: text/html", f"content-length: {length}", *more, "connection: close"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def serve(script, tls=None):
    """Runs a script for every connection; gives the port."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)

    def one(connection):
        try:
            connection.settimeout(10)
            if tls:
                connection = tls.wrap_socket(connection, server_side=True)
            script(connection)
            connection.close()
        except (OSError, ssl.SSLError):
            pass

    def accept():
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=one, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return listener.getsockname()[1]


def request(connection):
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(4096)
        if not piece:
            break
        data += piece


def answers(data):
    def script(connection):
        request(connection)
        connection.sendall(data)

    return script


def silent(connection):
    request(connection)
    time.sleep(8)


def not_tls(connection):
    connection.recv(4096)
    connection.sendall(head("400 Bad Request", 0))


def drips(connection):
    request(connection)
    connection.sendall(head("200 OK", 1000))
    for _ in range(80):
        connection.sendall(b"x")
        time.sleep(0.1)


def certificates(folder):
    """An authority, and certificates of it: good, expired, and of another host."""

    def run(*words):
        subprocess.run(words, check=True, capture_output=True, cwd=folder)

    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key",
        "-out", "ca.pem", "-days", "30", "-subj", "/CN=Side by side")
    for name, host, start, end in [("good", "localhost", -1, 30), ("expired", "localhost", -30, -1), ("other", "other.test", -1, 30)]:
        run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key",
            "-out", f"{name}.csr", "-subj", f"/CN={host}")
        # The command for signing that takes both dates, in every version of openssl.
        with open(f"{folder}/{name}.cnf", "w") as config:
            config.write("[ca]\ndefault_ca=d\n[d]\nnew_certs_dir=.\ndatabase=index.txt\nrand_serial=yes\ndefault_md=sha256\n"
                         "policy=p\nunique_subject=no\n[p]\ncommonName=supplied\n"
                         f"[e]\nsubjectAltName=DNS:{host}\nbasicConstraints=CA:false\n")
        open(f"{folder}/index.txt", "w").close()
        stamp = lambda days: time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + days * 86_400))
        run("openssl", "ca", "-batch", "-config", f"{name}.cnf", "-extensions", "e", "-cert", "ca.pem", "-keyfile", "ca.key",
            "-in", f"{name}.csr", "-out", f"{name}.pem", "-startdate", stamp(start), "-enddate", stamp(end), "-notext")


def tls_of(folder, name):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{folder}/{name}.pem", f"{folder}/{name}.key")
    return context


def blackhole():
    """A listener whose queue is full: a connection request gets no answer."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    held = [listener]
    for _ in range(8):
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(listener.getsockname())
        held.append(client)
    return listener.getsockname()[1], held


def faults(folder):
    """Each: what is wrong, a URL, and a word that names the cause."""
    refused = socket.create_server(("127.0.0.1", 0))
    port = refused.getsockname()[1]
    refused.close()
    hole, held = blackhole()
    http = lambda port: f"http://127.0.0.1:{port}/"
    https = lambda name: f"https://localhost:{serve(answers(head('200 OK', len(BODY)) + BODY), tls_of(folder, name))}/"
    loop = {}

    def redirects(connection):
        request(connection)
        connection.sendall(head("302 Found", 0, f"location: http://127.0.0.1:{loop['port']}/"))

    loop["port"] = serve(redirects)
    wrong = b"<!doctype html><title>hello</title><p>we are under maintenance"
    return held, [
        ("nothing listens", http(port), ["refused"]),
        ("connection requests are dropped", http(hole), ["connect"]),
        ("connected, and no answer", http(serve(silent)), ["response", "awaiting", "header", "0 bytes received"]),
        ("closed without an answer", http(serve(request)), ["empty", "eof"]),
        ("the body stops on the way", http(serve(answers(head("200 OK", 1000) + BODY))), ["truncated", "remaining", "unexpected eof"]),
        ("the body drips", http(serve(drips)), ["body", "out of 1000 bytes"]),
        ("status 503", http(serve(answers(head("503 Service Unavailable", 0)))), ["503"]),
        ("the wrong page, with 200", http(serve(answers(head("200 OK", len(wrong)) + wrong))), ["all is well", "string not found", "pattern", "regex", "body"]),
        ("redirects without end", http(loop["port"]), ["redirect"]),
        ("an expired certificate", https("expired"), ["expired"]),
        ("a certificate of another host", https("other"), ["not for", "not valid for", "subject", "hostname", "altname", "other.test"]),
        ("not TLS", f"https://127.0.0.1:{serve(not_tls)}/", ["not tls", "speak tls", "wrong version", "not look like a tls", "http response to https"]),
    ]


def tools(arguments, folder):
    """Each tool: the command that checks one URL, with the same limits as far as it has them."""
    ca = f"{folder}/ca.pem"

    def curl(url):
        return ["curl", "-sS", "-f", "-L", "--max-redirs", "10", "--max-time", str(TIMEOUT), "--cacert", ca, "-o", "/dev/null", url]

    def uptick(url):
        command = [arguments.uptick, "check", "-m", f"{TIMEOUT}s", "--expect-body", "all is well", url]
        return command[:2] + ["--cacert", ca] + command[2:] if url.startswith("https") else command

    def check_http(url):
        parts = urllib.parse.urlsplit(url)
        secure = ["-S", "--sni"] if parts.scheme == "https" else []
        # It verifies no chain: only how long the certificate is valid, where that is asked instead.
        return [check_http_path, "-H", parts.hostname, "-I", "127.0.0.1", "-p", str(parts.port), "-u", parts.path or "/",
                "-t", str(TIMEOUT), "-f", "follow", "-s", "all is well", *secure]

    def hurl(url):
        with open(f"{folder}/check.hurl", "w") as file:
            file.write(f'GET {url}\nHTTP 200\n[Asserts]\nbody contains "all is well"\n')
        return ["hurl", "--location", "--max-redirs", "10", "--max-time", str(TIMEOUT), "--cacert", ca, "-o", "/dev/null", f"{folder}/check.hurl"]

    check_http_path = shutil.which("check_http") or "/usr/lib/nagios/plugins/check_http"
    found = {"uptick check": uptick}
    if shutil.which("curl"):
        found["curl"] = curl
    if os.path.exists(check_http_path):
        found["check_http"] = check_http
    if shutil.which("hurl"):
        found["hurl"] = hurl
    return found


class Blackbox:
    """blackbox_exporter, with a module that asks the same; probed over its own HTTP endpoint."""

    def __init__(self, folder):
        program = shutil.which("blackbox_exporter") or shutil.which("prometheus-blackbox-exporter")
        self.process = None
        if not program:
            return
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        with open(f"{folder}/blackbox.yml", "w") as file:
            file.write("modules:\n  web:\n    prober: http\n"
                       f"    timeout: {TIMEOUT}s\n    http:\n      preferred_ip_protocol: ip4\n"
                       '      fail_if_body_not_matches_regexp: ["all is well"]\n'
                       f"      tls_config:\n        ca_file: {folder}/ca.pem\n")
        self.process = subprocess.Popen([program, "--config.file", f"{folder}/blackbox.yml", "--log.level=error",
                                         "--web.listen-address", f"127.0.0.1:{self.port}"],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.05)

    def probe(self, url, debug=False):
        query = urllib.parse.urlencode({"module": "web", "target": url, **({"debug": "true"} if debug else {})})
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/probe?{query}", timeout=20) as answer:
            return answer.read().decode(errors="replace")

    def cost(self):
        with open(f"/proc/{self.process.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        ticks = os.sysconf("SC_CLK_TCK")
        return (int(fields[11]) + int(fields[12])) / ticks

    def memory(self):
        with open(f"/proc/{self.process.pid}/status") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmHWM"))

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait()


def run(command):
    """Runs a command; gives seconds, processor seconds, KiB, status and what it said."""
    start = time.monotonic()
    with tempfile.TemporaryFile() as said, tempfile.NamedTemporaryFile("r") as peak:
        through = ["/usr/bin/time", "-q", "-f", "%M", "-o", peak.name] if os.path.exists("/usr/bin/time") else []
        process = subprocess.Popen(through + command, stdout=said, stderr=said, stdin=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        took = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        memory = int(peak.read().split()[-1]) if through else usage.ru_maxrss
        return took, usage.ru_utime + usage.ru_stime, memory, process.returncode, said.read().decode(errors="replace")


def one_check(tools, url, rounds, blackbox):
    """Start to exit of one check that is up, round by round so that a disturbance meets all alike."""
    runs = {name: [] for name in tools}
    for _ in range(rounds):
        for name, command in tools.items():
            result = run(command(url))
            assert result[3] == 0, (name, result)
            runs[name].append(result)
    rows = []
    median = lambda name, at: statistics.median(result[at] for result in runs[name])
    base = median("uptick check", 1)
    for name in runs:
        rows.append([name, f"{median(name, 0) * 1e3:.1f} ms", f"{median(name, 1) * 1e3:.1f} ms", f"{median(name, 2) / 1024:.1f} MiB",
                     f"{median(name, 1) / base:.2f}"])
    if blackbox.process:
        blackbox.probe(url)
        before, start = blackbox.cost(), time.monotonic()
        for _ in range(200):
            blackbox.probe(url)
        cost, took = (blackbox.cost() - before) / 200, (time.monotonic() - start) / 200
        rows.append(["blackbox_exporter (one probe of the daemon)", f"{took * 1e3:.1f} ms", f"{cost * 1e3:.1f} ms",
                     f"{blackbox.memory() / 1024:.1f} MiB", f"{cost / base:.2f}"])
    return rows


def many_checks(arguments, folder, url):
    """What one request of many costs, each on a connection of its own."""
    count, at_once = arguments.requests, 32
    with open(f"{folder}/probes.toml", "w") as file:
        file.write(f"[settings]\nconcurrency = {at_once}\n[defaults]\ninterval = \"30s\"\n")
        for number in range(100):
            file.write(f"[[probe]]\nname = \"p{number}\"\nurl = \"{url}\"\nexpect.body-contains = \"all is well\"\n")
    commands = {"uptick check": [arguments.uptick, "check", "-q", "--count", str(count // 100), "-c", f"{folder}/probes.toml"]}
    if shutil.which("oha"):
        commands["oha"] = ["oha", "-n", str(count), "-c", str(at_once), "--disable-keepalive", "--no-tui", url]
    if shutil.which("hey"):
        commands["hey"] = ["hey", "-n", str(count), "-c", str(at_once), "-disable-keepalive", url]
    runs = {name: [run(command) for _ in range(5)] for name, command in commands.items()}
    cost = {name: statistics.median(result[1] for result in results) / count for name, results in runs.items()}
    return [[name, f"{cost[name] * 1e6:.0f} µs", f"{statistics.median(r[2] for r in results) / 1024:.1f} MiB",
             f"{cost[name] / cost['uptick check']:.2f}"] for name, results in runs.items()]


def truth(tools, faults, blackbox):
    """Of each fault: whether a tool fails on it, and names the cause."""

    def mark(fails, said, words):
        if not fails:
            return "no"
        return "fails, names it" if any(word in said.lower() for word in words) else "fails"

    rows = []
    names = list(tools) + (["blackbox_exporter"] if blackbox.process else [])
    for what, url, words in faults:
        row = [what]
        for command in tools.values():
            _, _, _, status, said = run(command(url))
            row.append(mark(status != 0, said.replace(url, ""), words))
        if blackbox.process:
            said = blackbox.probe(url, debug=True)
            row.append(mark("probe_success 0" in said, said.split("Metrics that would")[0].replace(url, ""), words))
        rows.append(row)
    sums = ["named"] + [f"{sum(row[at + 1] == 'fails, names it' for row in rows)} of {len(rows)}" for at in range(len(names))]
    return names, rows + [sums]


def table(heads, rows):
    lines = ["| " + " | ".join(row) + " |" for row in [heads, ["---"] * len(heads), *rows]]
    return "\n".join(lines)


def version(*command):
    try:
        output = subprocess.run(command, capture_output=True, text=True, timeout=10)
        return (output.stdout or output.stderr).splitlines()[0]
    except (OSError, IndexError, subprocess.TimeoutExpired):
        return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--uptick", default="target/dist/uptick")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--markdown")
    arguments = parser.parse_args()
    arguments.uptick = os.path.abspath(arguments.uptick)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HOME"] = folder
        os.chdir(folder)
        certificates(folder)
        page = answers(head("200 OK", len(BODY)) + BODY)
        plain = f"http://127.0.0.1:{serve(page)}/"
        secure = f"https://localhost:{serve(page, tls_of(folder, 'good'))}/"
        installed, blackbox = tools(arguments, folder), Blackbox(folder)
        parts = [machine(installed)]
        try:
            for what, url in [("http", plain), ("https", secure)]:
                rows = one_check(installed, url, arguments.rounds, blackbox)
                parts += [f"### One check over {what}, start to exit", table(["", "time", "processor", "memory", "processor ÷ uptick's"], rows)]
            rows = many_checks(arguments, folder, plain)
            parts += [f"### One of {arguments.requests} requests, 32 at once, each on a connection of its own",
                      table(["", "processor", "memory", "÷ uptick's"], rows)]
            held, all_faults = faults(folder)
            names, rows = truth(installed, all_faults, blackbox)
            parts += ["### The same faults", table(["", *names], rows)]
            del held
        finally:
            blackbox.stop()
    text = "\n\n".join(parts) + "\n"
    print(text)
    if arguments.markdown:
        with open(arguments.markdown, "w") as file:
            file.write(text)


def machine(installed):
    missing = [name for name in ["curl", "oha", "hey", "hurl"] if not shutil.which(name)]
    missing += [] if "check_http" in installed else ["check_http"]
    programs = [version(installed["uptick check"]("x")[0], "--version"), version("curl", "--version"), version("oha", "--version"),
                version("hurl", "--version"), version("prometheus-blackbox-exporter", "--version"),
                version("/usr/lib/nagios/plugins/check_http", "--version")]
    with open("/proc/loadavg") as file:
        load = file.read().split()[0]
    lines = [f"{os.uname().sysname} {os.uname().release}, {os.cpu_count()} cores, load {load} at the start.",
             "; ".join(program for program in programs if program) + "."]
    if missing:
        lines.append(f"Not installed, and so not measured: {', '.join(missing)}.")
    return " ".join(lines)


if __name__ == "__main__":
    main()
