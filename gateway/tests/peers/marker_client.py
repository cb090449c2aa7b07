"""An old client that looks for FF D8 and FF D9 in whatever comes, and for nothing else.

marker_client.py PORT PATH FRAMES prints the length of each picture. Standard library only.
"""
import sys
import urllib.request


def main():
    port, path, frames = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as stream:
        buffer = b""
        while frames:
            received = stream.read1(65536)
            assert received, "it ended"
            buffer += received
            begin = buffer.find(b"\xff\xd8")
            end = buffer.find(b"\xff\xd9", begin)
            if begin != -1 and end != -1:
                print(end + 2 - begin)
                buffer = buffer[end + 2 :]
                frames -= 1


main()
