#!/usr/bin/env python3
"""authority.py FOLDER: a time-stamp authority for tests, over HTTP and HTTPS on 127.0.0.1, made of `openssl ts`.

Writes into FOLDER: ca.crt (its root), tls.crt (the web server's certificate), ports ("HTTP HTTPS PROXY", last, when it is
ready), and requests (a line for each request: method, path, Authorization or identity or "-"). What it does is named by the
path: /ok and each name in `lie` below. The proxy takes absolute http URLs and CONNECT. It ends when its standard input does.
"""
import base64, hashlib, http.server, os, random, select, socket, ssl, subprocess, sys, threading, time

folder = sys.argv[1]
lock = threading.Lock()
POLICY = "2.25.329800735698586629295641978511506172918"      # an arc beyond 64 bits
CUSTOMER, PASSWORD = 4711, "çok gizli"
credits = [100]


def at(name):
    return os.path.join(folder, name)


def openssl(*words, data=None):
    return subprocess.run(["openssl", *words], input=data, capture_output=True, check=True).stdout


def certificate(name, subject, extensions, issuer=None):
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", at(name + ".key"))
    with open(at(name + ".ext"), "w") as f:
        f.write(extensions)
    openssl("req", "-new", "-key", at(name + ".key"), "-subj", "/CN=" + subject, "-out", at(name + ".csr"))
    by = ["-CA", at(issuer + ".crt"), "-CAkey", at(issuer + ".key")] if issuer else ["-signkey", at(name + ".key")]
    openssl("x509", "-req", "-in", at(name + ".csr"), *by, "-set_serial", str(random.getrandbits(60)), "-days", "3650",
            "-extfile", at(name + ".ext"), "-out", at(name + ".crt.new"))
    os.rename(at(name + ".crt.new"), at(name + ".crt"))


CA = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n"
TSA = "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=critical,timeStamping\n"


def der(tag, content):
    n = len(content)
    return bytes([tag]) + (bytes([n]) if n < 128 else bytes([0x81, n]) if n < 256 else bytes([0x82, n >> 8, n & 255])) + content


def parts(b):
    """The (tag, content) of a constructed value's members."""
    out, i = [], 0
    while i < len(b):
        tag, n, i = b[i], b[i + 1], i + 2
        if n > 127:
            k = n & 127
            n, i = int.from_bytes(b[i:i + k], "big"), i + k
        out.append((tag, b[i:i + n]))
        i += n
    return out


def stamp(query, signer="tsa", ca="ca"):
    with lock:
        with open(at("query"), "wb") as f:
            f.write(query)
        return openssl("ts", "-reply", "-config", at("cnf"), "-section", "t", "-queryfile", at("query"),
                       "-signer", at(signer + ".crt"), "-inkey", at(signer + ".key"), "-chain", at(ca + ".crt"))


def query(digest, nonce):
    imprint = der(0x30, der(0x30, der(6, bytes.fromhex("608648016503040201")) + der(5, b"")) + der(4, digest))
    return der(0x30, der(2, b"\x01") + imprint + der(2, nonce) + der(1, b"\xff"))


def words(text, tag=0x0c):
    return der(0x30, der(0x30, der(2, b"\x02") + der(0x30, der(tag, text.encode()))))


def known(headers, digest):
    """What Kamu SM would say against the `identity` header; None where it is right."""
    user, salt, count, iv, secret = [c for _, c in parts(parts(bytes.fromhex(headers["identity"]))[0][1])]
    if int.from_bytes(user, "big") != CUSTOMER:
        return "User %d is not known" % int.from_bytes(user, "big")
    key = hashlib.pbkdf2_hmac("sha256", PASSWORD.encode(), salt, int.from_bytes(count, "big"), 32)
    p = subprocess.run(["openssl", "enc", "-d", "-aes-256-cbc", "-K", key.hex(), "-iv", iv.hex()], input=secret, capture_output=True)
    return None if p.returncode == 0 and p.stdout == digest and len(salt) == 16 else "Account could not be authenticated"


def answer(h, path, body):
    """-> (status, content type, bytes), or None where the connection was dealt with."""
    ok = lambda b: (200, "application/timestamp-reply", b)
    if path == "/kamusm":
        if not body:
            asked = hashlib.sha1((h.headers["credit_req"] + h.headers["credit_req_time"]).encode()).digest()
            bad = known(h.headers, asked)
            return ok(words(bad) if bad else str(credits[0]).encode())
        bad = known(h.headers, parts(parts(parts(body)[0][1])[1][1])[1][1])
        if bad is None and credits[0] <= 0:
            bad = "Insufficient credit"
        if bad:
            return ok(words(bad))
        credits[0] -= 1
        return ok(stamp(body))
    if path == "/basic":
        right = "Basic " + base64.b64encode("efeler:parola".encode()).decode()
        return ok(stamp(body)) if h.headers.get("Authorization") == right else (401, "text/plain", b"who are you")
    if path in ("/ok", "/renewed", "/with-crl", "/with-ocsp", "/with-dead-crl"):
        return ok(stamp(body, {"/ok": "tsa", "/renewed": "tsa2"}.get(path, path[1:])))
    if path == "/crl":
        return (200, "application/pkix-crl", openssl("crl", "-in", at("crl.pem"), "-outform", "DER"))
    if path == "/ocsp":
        with lock:
            with open(at("oq"), "wb") as f:
                f.write(body)
            openssl("ocsp", "-index", at("index"), "-CA", at("ca.crt"), "-rsigner", at("ca.crt"), "-rkey", at("ca.key"),
                    "-reqin", at("oq"), "-respout", at("or"), "-ndays", "1")
            with open(at("or"), "rb") as f:
                return (200, "application/ocsp-response", f.read())
    if path == "/lingers":                                  # whole, but the connection stays open
        reply = stamp(body)
        h.wfile.write(b"HTTP/1.0 200 OK\r\nContent-Type: application/timestamp-reply\r\n\r\n" + reply)
        h.wfile.flush()
        time.sleep(60)
        return None
    members = parts(parts(body)[0][1]) if body else []
    if path == "/nonce":
        return ok(stamp(query(parts(members[1][1])[1][1], b"\x05\x39")))
    if path == "/imprint":
        return ok(stamp(query(bytes(32), next(c for t, c in members[2:] if t == 2))))
    if path == "/untrusted":
        return ok(stamp(body, "otsa", "oca"))
    if path == "/reject":
        return ok(der(0x30, der(0x30, der(2, b"\x02") + der(0x30, der(0x0c, b"no more today")) + der(3, b"\x00\x80"))))
    if path == "/garbage":
        return ok(random.Random(5651).randbytes(3000))
    if path == "/empty":
        return ok(b"")
    if path == "/page":
        return (200, "text/html", b"<html>Please log in</html>")
    if path == "/500":
        return (500, "text/html", b"<html>out of order</html>")
    if path == "/moved":
        h.wfile.write(b"HTTP/1.0 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n")
        return None
    if path == "/cut":                                      # less than it says
        reply = stamp(body)
        h.wfile.write(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n" % len(reply) + reply[:-40])
        return None
    if path == "/hang":
        time.sleep(60)
        return None
    if path == "/drip":                                     # a byte now and then, for ever
        h.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n0\x84\x00\xff\xff\xff")
        while True:
            h.wfile.write(b"x")
            h.wfile.flush()
            time.sleep(0.2)
    if path == "/endless":
        h.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n0\x84\x7f\xff\xff\xff")
        for _ in range(16384):                              # 1 GiB
            h.wfile.write(bytes(65536))
        return None
    if path == "/header":                                   # a header line without end
        h.wfile.write(b"HTTP/1.0 200 OK\r\nX: ")
        for _ in range(16384):
            h.wfile.write(b"x" * 65536)
        return None
    return (404, "text/plain", b"not here")


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        path = self.path.split("?")[0]
        if path.startswith("http://"):                      # as a proxy gets it
            path = "/" + path.split("/", 3)[3]
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with lock, open(at("requests"), "a") as f:
            f.write("%s %s %s\n" % (self.command, self.path, self.headers.get("Authorization") or self.headers.get("identity") or "-"))
        try:
            reply = answer(self, path, body)
            if reply:
                self.send_response(reply[0])
                self.send_header("Content-Type", reply[1])
                self.send_header("Content-Length", str(len(reply[2])))
                self.end_headers()
                self.wfile.write(reply[2])
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            pass

    do_GET = do_POST

    def do_CONNECT(self):
        host, port = self.path.rsplit(":", 1)
        with lock, open(at("requests"), "a") as f:
            f.write("CONNECT %s -\n" % self.path)
        with socket.create_connection((host, int(port))) as other:
            self.connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            ends = [self.connection, other]
            while True:
                for s in select.select(ends, [], [], 30)[0] or [None]:
                    data = s.recv(65536) if s else b""
                    if not data:
                        return
                    ends[ends[0] is s].sendall(data)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass


def serve(tls=False):
    server = Server(("127.0.0.1", 0), Handler)
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(at("tls.crt"), at("tls.key"))
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


http_port = serve()
certificate("ca", "Test root", CA)
here = "http://127.0.0.1:%d" % http_port
certificate("with-crl", "Authority with a CRL", TSA + "crlDistributionPoints=URI:%s/crl\n" % here, "ca")
certificate("with-ocsp", "Authority with OCSP", TSA + "authorityInfoAccess=OCSP;URI:%s/ocsp\n" % here, "ca")
certificate("with-dead-crl", "Authority with a dead CRL", TSA + "crlDistributionPoints=URI:%s/nowhere\n" % here, "ca")
with open(at("index"), "w") as f:                           # nobody is revoked
    for name in ("with-crl", "with-ocsp"):
        serial = openssl("x509", "-in", at(name + ".crt"), "-noout", "-serial").decode().split("=")[1].strip()
        f.write("V\t360101000000Z\t\t%s\tunknown\t/CN=%s\n" % (serial, name))
with open(at("cacnf"), "w") as f:
    f.write("[ca]\ndefault_ca=c\n[c]\ndatabase=%s\ndefault_md=sha256\ndefault_crl_days=30\n" % at("index"))
openssl("ca", "-gencrl", "-config", at("cacnf"), "-cert", at("ca.crt"), "-keyfile", at("ca.key"), "-out", at("crl.pem"))
certificate("tsa", "Test authority", TSA, "ca")
certificate("tsa2", "Test authority, renewed", TSA, "ca")
certificate("oca", "Test root", CA)                         # another root of the same name
certificate("otsa", "Test authority", TSA, "oca")
certificate("tls", "localhost", "subjectAltName=IP:127.0.0.1,DNS:localhost\n", "ca")
with open(at("serial"), "w") as f:
    f.write("01\n")
with open(at("cnf"), "w") as f:
    f.write("[t]\nserial=%s\ndefault_policy=%s\ndigests=sha256\naccuracy=secs:1\ness_cert_id_alg=sha256\nsigner_digest=sha256\n"
            % (at("serial"), POLICY))
with open(at("ports.new"), "w") as f:
    f.write("%d %d %d\n" % (http_port, serve(tls=True), serve()))
os.rename(at("ports.new"), at("ports"))
sys.stdin.read()
