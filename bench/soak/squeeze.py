"""The receive buffers of a process that runs, made small and large again from outside: by copies of its sockets."""

import ctypes
import os
import socket

# pidfd_getfd(2), the same number on every machine since Linux 5.6.
PIDFD_GETFD = 438
# Asks for more than any limit says (socket(7)); takes CAP_NET_ADMIN.
SO_RCVBUFFORCE = 33


def sockets(pid, port):
    """Copies of the UDP sockets of a process that are bound to this port."""
    libc = ctypes.CDLL(None, use_errno=True)
    process = os.pidfd_open(pid)
    found = []
    try:
        for handle in os.listdir(f"/proc/{pid}/fd"):
            try:
                if not os.readlink(f"/proc/{pid}/fd/{handle}").startswith("socket:"):
                    continue
            except FileNotFoundError:
                continue
            copied = libc.syscall(PIDFD_GETFD, process, int(handle), 0)
            if copied < 0:
                raise OSError(ctypes.get_errno(), f"the sockets of process {pid} cannot be reached")
            copy = socket.socket(fileno=copied)
            is_udp = copy.type == socket.SOCK_DGRAM and copy.family in (socket.AF_INET, socket.AF_INET6)
            if is_udp and copy.getsockname()[1] == port:
                found.append(copy)
            else:
                copy.close()
    finally:
        os.close(process)
    return found


def squeeze(pid, port, size):
    """Gives the buffers of the process so many bytes; returns what they had, as the kernel counts (twice as much)."""
    before = 0
    for copy in sockets(pid, port):
        with copy:
            before = max(before, copy.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF))
            copy.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, size)
    return before
