"""A camera's publisher and an old program's subscriber, over a socket. Standard library only, from the protocol of Redis (RESP2).

redis_peer.py PORT publish CHANNEL COUNT FILE HEIGHT WIDTH   publishes {"data": FILE in base64, "size": [HEIGHT, WIDTH]}
redis_peer.py PORT send CHANNEL TEXT                         publishes TEXT
redis_peer.py PORT spoil CHANNEL FILE HEIGHT WIDTH TEXT      publishes FILE so and TEXT behind it, both at once
redis_peer.py PORT await CHANNEL                             until somebody has subscribed to it
redis_peer.py PORT subscribe CHANNEL COUNT [FILE]            prints size, bytes and number of each; writes the last message
"""
import base64
import json
import re
import socket
import sys
import time
from datetime import datetime


class Redis:
    def __init__(self, port):
        self.connection = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.stream = self.connection.makefile("rb")

    def send(self, *words):
        words = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        self.connection.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words))

    def read(self):
        line = self.stream.readline()
        assert line.endswith(b"\r\n"), "the connection has ended"
        kind, rest = line[:1], line[1:-2]
        if kind == b":":
            return int(rest)
        if kind == b"+":
            return rest
        if kind == b"$":
            body = self.stream.read(int(rest) + 2)[:-2]
            assert len(body) == int(rest), "the connection has ended"
            return body
        if kind == b"*":
            return [self.read() for _ in range(int(rest))]
        raise ValueError(line)


def picture(file, height, width):
    with open(file, "rb") as image:
        data = base64.b64encode(image.read()).decode()
    return json.dumps({"data": data, "size": [int(height), int(width)]})


def publish(redis, channel, count, file, height, width):
    message = picture(file, height, width)
    for _ in range(int(count)):
        redis.send("PUBLISH", channel, message)
        redis.read()
        time.sleep(0.02)


def send(redis, channel, text):
    redis.send("PUBLISH", channel, text)
    redis.read()


def spoil(redis, channel, file, height, width, text):
    for words in (["MULTI"], ["PUBLISH", channel, picture(file, height, width)], ["PUBLISH", channel, text], ["EXEC"]):
        redis.send(*words)
        redis.read()


def subscribed(redis, channel):
    while True:
        redis.send("PUBSUB", "NUMSUB", channel)
        if redis.read() != [channel.encode(), 0]:
            break
        time.sleep(0.02)


def subscribe(redis, channel, count, file=None):
    redis.send("SUBSCRIBE", channel)
    assert redis.read()[0] == b"subscribe"
    print("subscribed", flush=True)
    for _ in range(int(count)):
        kind, name, message = redis.read()
        assert (kind, name) == (b"message", channel.encode())
        frame = json.loads(message)
        data = base64.b64decode(frame["data"], validate=True)
        if "time" in frame:
            assert re.fullmatch(r"\d\d:\d\d:\d\d\.\d{6}", frame["time"]), frame["time"]
            # As the old program's, by the clock on the wall; around midnight it is of the day before.
            captured = datetime.strptime(frame["time"], "%H:%M:%S.%f")
            assert (datetime.now() - captured).seconds < 60, (frame["time"], datetime.now())
        print("%dx%d" % tuple(frame["size"]), len(data), frame.get("frame_number"), data[:2].hex(), flush=True)
    if file:
        with open(file, "wb") as out:
            out.write(message)


def main():
    port, verb, *arguments = sys.argv[1:]
    verbs = {"publish": publish, "send": send, "spoil": spoil, "await": subscribed, "subscribe": subscribe}
    verbs[verb](Redis(int(port)), *arguments)


main()
