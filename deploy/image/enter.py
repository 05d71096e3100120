#!/usr/bin/env python3
"""enter.py ROOT UID:GID [VARIABLE=VALUE...] -- PROGRAM [ARGUMENT...]

Becomes PROGRAM (of ROOT's /usr/bin) with ROOT as a read-only root file system, as that user, without capabilities: what a container
engine does with --read-only --cap-drop ALL. Needs root and Linux.
"""
import ctypes
import os
import sys

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNS = 0x20000
MS_RDONLY, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 1, 32, 4096, 16384, 1 << 18
PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 24, 38
LAST_CAPABILITY = int(open("/proc/sys/kernel/cap_last_cap", encoding="ascii").read())


def check(result):
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def mount(source, target, kind, flags):
    check(LIBC.mount(source and source.encode(), target.encode(), kind and kind.encode(), ctypes.c_ulong(flags), None))


def main():
    split = sys.argv.index("--")
    root, user, *variables = sys.argv[1:split]
    program, *arguments = sys.argv[split + 1:]
    uid, gid = map(int, user.split(":"))
    check(LIBC.unshare(CLONE_NEWNS))
    mount(None, "/", None, MS_REC | MS_PRIVATE)
    mount(root, root, None, MS_BIND)
    # What engines add to every container.
    for name in ("proc", "dev"):
        os.makedirs(f"{root}/{name}", exist_ok=True)
    mount("proc", f"{root}/proc", "proc", 0)
    mount("/dev", f"{root}/dev", None, MS_BIND | MS_REC)
    # The namespace's own root, so that there is nothing above it.
    old = f"{root}/tmp"
    check(LIBC.syscall(155, root.encode(), old.encode()))   # pivot_root, x86-64
    os.chdir("/")
    check(LIBC.umount2(b"/tmp", 2))   # lazily: this program still runs from there
    mount(None, "/", None, MS_REMOUNT | MS_BIND | MS_RDONLY)
    for capability in range(LAST_CAPABILITY + 1):
        check(LIBC.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0))
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    check(LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    os.execve(f"/usr/bin/{program}", [program, *arguments], dict(variable.split("=", 1) for variable in variables))


if __name__ == "__main__":
    main()
