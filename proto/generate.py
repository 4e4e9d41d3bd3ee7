"""How does the contract become code, and what keeps it from breaking? All of it offline, with the pinned tools.

::

    python proto/generate.py stubs [DIR]   write the Python stubs (proto/stubs); they are committed and never edited
    python proto/generate.py check         lint, format and breaking changes against the released contract
    python proto/generate.py release       what callers have from now on: proto/released.binpb, kept with each release
"""

import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

PROTO = Path(__file__).resolve().parent
STUBS = PROTO / "stubs"
RELEASED = PROTO / "released.binpb"
BUF = shutil.which("buf", path=str(Path(sys.executable).parent)) or "buf"


def stubs(into: Path = STUBS) -> None:
    """Write the stubs of every proto file, in place of those that were there.

    The server takes its methods from the descriptors, so messages are all that is generated.

    :raises subprocess.CalledProcessError: a proto file does not compile; protoc has said why.
    """
    shutil.rmtree(into / "federation", ignore_errors=True)
    into.mkdir(parents=True, exist_ok=True)
    sources = sorted(str(path.relative_to(PROTO)) for path in PROTO.glob("federation/**/*.proto"))
    known = str(files("grpc_tools") / "_proto")
    plugin = Path(sys.executable).parent / "protoc-gen-mypy"
    subprocess.run(
        [sys.executable, "-m", "grpc_tools.protoc", f"-I{PROTO}", f"-I{known}", f"--plugin=protoc-gen-mypy={plugin}",
         f"--python_out={into}", f"--mypy_out=quiet:{into}", *sources],
        check=True, cwd=PROTO,
    )  # fmt: skip
    for folder in (into / "federation", *(path for path in (into / "federation").rglob("*") if path.is_dir())):
        (folder / "__init__.py").touch()
    (into / "federation" / "py.typed").touch()


def check() -> None:
    """Lint and format of the proto files, and whether everything that was released still works.

    :raises subprocess.CalledProcessError: not so; buf has said where, of all three.
    """
    done = [
        buf("lint", "proto"),
        buf("format", "--diff", "--exit-code", "proto"),
        buf("breaking", "proto", "--against", str(RELEASED)),
    ]
    for step in done:
        step.check_returncode()


def release() -> None:
    """Keep today's contract as the one that later changes are held against.

    What nobody was ever given may still be broken: remove the file first.

    :raises subprocess.CalledProcessError: today's contract breaks the released one.
    """
    if RELEASED.exists():
        check()
    buf("build", "proto", "--exclude-source-info", "-o", str(RELEASED)).check_returncode()


def buf(*arguments: str) -> "subprocess.CompletedProcess[bytes]":
    """Run buf in the folder above the proto files, so that it names them as `proto/…`."""
    return subprocess.run([BUF, *arguments], check=False, cwd=PROTO.parent)


if __name__ == "__main__":
    try:
        match sys.argv[1:]:
            case ["stubs"]:
                stubs()
            case ["stubs", into]:
                stubs(Path(into).resolve())
            case ["check"]:
                check()
            case ["release"]:
                release()
            case _:
                sys.exit(__doc__)
    except subprocess.CalledProcessError as failed:
        sys.exit(failed.returncode)
