"""The old peers of a group against each other, on the loopback interface."""

import json
import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from test_peers import jpeg  # noqa: E402

GROUP = "224.3.29.71:21390"
WHERE = ("--interface", "127.0.0.1")


def start(program, *arguments):
    command = [sys.executable, os.path.join(HERE, program), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def printed(process):
    return [json.loads(line) for line in process.communicate(timeout=60)[0].splitlines()]


class GroupPeersTest(unittest.TestCase):
    def test_the_client_gets_what_the_server_sends_once_it_has_acknowledged(self):
        with tempfile.TemporaryDirectory() as folder:
            for number in range(5):
                with open(os.path.join(folder, f"{number}.jpg"), "wb") as file:
                    file.write(jpeg(number, 70_000))
            client = start("old_group_client.py", "--group", GROUP, "--frames", 5, "--timeout", 5, *WHERE)
            client.stderr.readline()
            server = start("old_group_server.py", folder, "--remote", GROUP, *WHERE)
            self.assertEqual(printed(client)[-1], {"frames": 5, "begin_and_end_as_jpeg": 5})
            self.assertEqual(printed(server)[-1]["frames"], 5)
            self.assertEqual((client.returncode, server.returncode), (0, 0))

    def test_without_a_client_the_server_gives_up(self):
        server = start("old_group_server.py", HERE, "--remote", GROUP, "--patience", 0.3, *WHERE)
        self.assertEqual(printed(server), [{"announced": None}])
        self.assertEqual(server.returncode, 3)


if __name__ == "__main__":
    unittest.main()
