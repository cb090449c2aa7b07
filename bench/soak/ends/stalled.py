"""Viewers that ask for a stream and read nothing of it, until they are killed.

stalled.py HOST prints {"ready": true} when all have asked. Standard library only.
"""

import socket
import sys
import time

PATHS = ["/video/cam"] * 4


def main():
    stalled = []
    for path in PATHS:
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(5)
        connection.connect((sys.argv[1], 8000))
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: soak\r\n\r\n".encode())
        stalled.append(connection)
    print('{"ready": true}', flush=True)
    while True:
        time.sleep(60)


main()
