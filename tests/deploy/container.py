"""How does a program live as in a container? With a root of its own that cannot be written, as a user of its own.

Run as a script, which becomes the program: ``python -I -S container.py SPECIFICATION PARENT_PID``. The specification is a file:

    root      an empty folder, which becomes the root
    shown     folders of the machine that are seen at their own paths
    image     or: the root of an image, seen as a whole and by nobody changed; folders of what is mounted are made in it
    files     path → [what is in it, in base64, and its mode], which nobody else sees
    folders   path → a folder or file of the machine, seen there as it is now and written by whoever may
    uid, environment, command

Nothing is left of it when the program has ended: all of it lies in a mount namespace of its own. Whoever is not root makes a user
namespace first, in which he is, and stays himself on the machine.
"""

import base64
import ctypes
import json
import os
import signal
import sys

NEWNS, NEWUSER = 0x00020000, 0x10000000
BIND, REC, PRIVATE, READ_ONLY, REMOUNT = 0x1000, 0x4000, 0x40000, 0x1, 0x20
PDEATHSIG = 1
LINKS = ("bin", "sbin", "lib", "lib64")
ALWAYS = ("/usr", "/proc", "/dev", "/etc/ssl", "/etc/ld.so.cache", "/etc/passwd", "/etc/group", "/etc/nsswitch.conf")

_libc = ctypes.CDLL(None, use_errno=True)


def main(specification: str, parent: str) -> None:
    """Become the program."""
    with open(specification) as file:
        told = json.load(file)
    root = told["root"]
    own_namespace()
    if told["image"]:
        show_image(root, told)
    else:
        mount("tmpfs", root, "tmpfs", 0, "mode=755")
        show(root, told)
    for path, (content, mode) in told["files"].items():
        write(root + path, base64.b64decode(content), mode, told["uid"])
    for path, folder in told["folders"].items():
        bind(folder, root + path)
    mount("", root, None, REMOUNT | READ_ONLY | (BIND if told["image"] else 0), "" if told["image"] else "mode=755")
    os.chroot(root)
    os.chdir("/")
    become(told["uid"], int(parent))
    os.execve(found(told["command"][0], told["environment"]["PATH"]), told["command"], told["environment"])


def found(program: str, path: str) -> str:
    """Where a program is; nothing can be imported any more once the root is another one."""
    places = [f"{folder}/{program}" for folder in path.split(":")]
    return next((place for place in places if os.path.exists(place)), program)


def own_namespace() -> None:
    """See mounts that nobody else sees."""
    user, group = os.geteuid(), os.getegid()
    checked(_libc.unshare(NEWNS if user == 0 else NEWNS | NEWUSER), "unshare")
    if user != 0:
        for name, line in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
            with open(f"/proc/self/{name}", "w") as file:
                file.write(line)
    mount("none", "/", None, REC | PRIVATE, "")


def show_image(root: str, told: dict) -> None:  # type: ignore[type-arg]
    """The image, and places for what is mounted."""
    bind(told["image"], root)
    for name in ("proc", "dev"):
        bind(f"/{name}", f"{root}/{name}")
    for folder in {os.path.dirname(path) for path in told["files"]}:
        os.makedirs(root + folder, exist_ok=True)
        mount("tmpfs", root + folder, "tmpfs", 0, "mode=755")


def show(root: str, told: dict) -> None:  # type: ignore[type-arg]
    """What can be read and not written."""
    for path in (*ALWAYS, *told["shown"]):
        if os.path.exists(path):
            bind(path, root + path)
    for name in LINKS:
        if os.path.islink(f"/{name}"):
            os.symlink(os.readlink(f"/{name}"), f"{root}/{name}")
        elif os.path.isdir(f"/{name}"):
            bind(f"/{name}", f"{root}/{name}")


def bind(source: str, target: str) -> None:
    """Show something at another path too."""
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "a"):
            pass
    mount(source, target, None, BIND | REC, "")


def write(path: str, content: bytes, mode: int, group: int) -> None:
    """A file that its group may read, as the kubelet writes it."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content)
    if not in_a_user_namespace():
        os.chown(path, 0, group)
    os.chmod(path, mode)


def become(uid: int, parent: int) -> None:
    """Be the user, and end with the parent."""
    if not in_a_user_namespace():
        os.setgroups([])
        os.setgid(uid)
        os.setuid(uid)
    checked(_libc.prctl(PDEATHSIG, signal.SIGKILL, 0, 0, 0), "prctl")
    if os.getppid() != parent:
        raise SystemExit("nobody waits for it any more")
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)


def in_a_user_namespace() -> bool:
    """Whether there is no user but one's own."""
    with open("/proc/self/uid_map") as file:
        return file.read().split()[2] == "1"


def mount(source: str, target: str, kind: str | None, flags: int, data: str) -> None:
    """As mount(2)."""
    told = [text.encode() if text is not None else None for text in (source, target, kind)]
    checked(_libc.mount(*told, ctypes.c_ulong(flags), data.encode() or None), f"mount {target}")


def checked(answer: int, what: str) -> None:
    """:raises OSError: the kernel refused."""
    if answer != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
