"""A camera that speaks HTTP: motion JPEG, with a password if one is given. Standard library only.

camera.py PORT JPEG [basic|digest USER PASSWORD] prints "PORT" when it listens, and serves the file JPEG 50 times a second to
each who asks for /mjpeg. Written from RFC 7617 (Basic) and RFC 7616 (Digest, MD5, qop auth).
"""
import base64
import hashlib
import http.server
import re
import secrets
import sys
import time

REALM = "camera"
NONCE = secrets.token_hex(8)


def md5(*texts):
    return hashlib.md5(":".join(texts).encode()).hexdigest()


def is_let_in(scheme, user, password, method, path, given):
    if scheme == "basic":
        return given == "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
    if not given.startswith("Digest "):
        return False
    fields = {name: quoted or plain for name, quoted, plain in re.findall(r'(\w+)=(?:"([^"]*)"|([^\s,]+))', given)}
    if (fields.get("username"), fields.get("nonce"), fields.get("uri")) != (user, NONCE, path):
        return False
    answer = md5(md5(user, REALM, password), NONCE, fields["nc"], fields["cnonce"], fields["qop"], md5(method, path))
    return secrets.compare_digest(answer, fields.get("response", ""))


class Camera(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        server = self.server
        if server.scheme and not is_let_in(
            server.scheme, server.user, server.password, self.command, self.path, self.headers.get("Authorization", "")
        ):
            challenge = {"basic": f'Basic realm="{REALM}"', "digest": f'Digest realm="{REALM}", nonce="{NONCE}", qop="auth"'}
            self.send_response(401)
            self.send_header("WWW-Authenticate", challenge[server.scheme])
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        self.close_connection = True
        part = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n" % (len(server.jpeg), server.jpeg)
        try:
            while True:
                self.wfile.write(part)
                time.sleep(0.02)
        except (BrokenPipeError, ConnectionResetError):
            pass


def main():
    with open(sys.argv[2], "rb") as file:
        jpeg = file.read()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Camera)
    server.daemon_threads = True
    server.jpeg = jpeg
    server.scheme, server.user, server.password = sys.argv[3:6] if len(sys.argv) > 3 else (None, None, None)
    print(server.server_address[1], flush=True)
    server.serve_forever()


main()
