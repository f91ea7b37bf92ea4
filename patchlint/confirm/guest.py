"""A kernel image, booted in QEMU with a small root file system, and what it printed."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import tempfile
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, Literal

from msgspec import Struct

from patchlint.confirm import cpio
from patchlint.confirm.modules import gather
from patchlint.outside import programs

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterable, Sequence

Accelerator = Literal["kvm", "tcg"]

#: the guest's first word; a virtual machine that does not say it soon does not work here
HELLO: Final = "patchlint: guest is up"
#: seconds that a kernel gets to say it under KVM
_KVM_PATIENCE: Final = 30
_POLL: Final = 0.2
_QEMU: Final = "qemu-system-x86_64"
#: where the version stands in a bzImage: an offset at this place, 512 bytes further
_VERSION_AT: Final = 0x20E
_BOOT_MAGIC: Final = (0x202, b"HdrS")
_PACKAGES: Final = frozenset({".deb", ".rpm", ".zst", ".xz"})
_VERSION: Final = re.compile(r"\d+\.\d+(?:\.\d+)?")

INIT: Final = """\
#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /tmp /mnt /run
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /tmp
mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null
exec >/dev/console 2>&1 </dev/null
echo "%(hello)s"
for module in $(cat /modules/order 2>/dev/null); do
	insmod "/modules/$module.ko" || echo "patchlint: module $module does not load"
done
%(commands)s
sync
# QEMU ends at a reset; switching off would need ACPI
reboot -f
"""


class GuestError(Exception):
    """No guest could be run; the text says why and what to do."""


class Kernel(Struct, frozen=True):
    """A kernel to boot.  ``modules`` is its folder of modules, None when all is built in."""

    image: Path
    release: str
    modules: Path | None

    @property
    def version(self) -> str:
        """Return the upstream version, ``6.1.192``; the release where it is no number."""
        found = _VERSION.match(self.release)
        return found[0] if found else self.release


class Outcome(Struct, frozen=True):
    """What a guest printed on its console and wrote to its second line, and who ran it."""

    console: str
    data: bytes
    accelerator: Accelerator
    finished: bool


def find_kernel(path: Path, modules: Path | None = None) -> Kernel:
    """Return the kernel at ``path``: an image, an unpacked package, a build folder.

    Raises GuestError when there is none, or more than one.
    """
    if path.is_dir():
        places = [*path.glob("boot/vmlinu[xz]-*"), *path.glob("arch/x86/boot/bzImage")]
        if len(places) != 1:
            many = ", ".join(sorted(one.name for one in places))
            raise GuestError(f"{path}: {f'which of {many}?' if many else 'no kernel image here'}")
        image = places[0]
    elif path.suffix in _PACKAGES and path.is_file():
        raise GuestError(f"{path}: unpack the package, and give its folder")
    elif path.is_file():
        image = path
    else:
        raise GuestError(f"{path}: no such kernel image")
    release = _release(image)
    given = modules or image.parent.parent / "lib" / "modules" / release
    if modules is not None and not modules.is_dir():
        raise GuestError(f"{modules}: no such folder of modules")
    nested = given / "lib" / "modules" / release
    return Kernel(image, release, next((one for one in (nested, given) if one.is_dir()), None))


def _release(image: Path) -> str:
    """Return the version that the image's own header names."""
    with image.open("rb") as opened:
        head = opened.read(0x10000)
    place, magic = _BOOT_MAGIC
    if head[place : place + len(magic)] != magic:
        raise GuestError(f"{image}: no x86 kernel image (bzImage)")
    start = int.from_bytes(head[_VERSION_AT : _VERSION_AT + 2], "little") + 512
    words = head[start : start + 200].split(b"\0")[0].split()
    if not words:
        raise GuestError(f"{image}: says no version")
    return words[0].decode("ascii", "replace")


def busybox() -> bytes:
    """Return the static busybox of this machine; GuestError when there is none."""
    for name in ("busybox.static", "busybox"):
        found = shutil.which(name)
        if found is None:
            continue
        data = Path(found).read_bytes()
        # a program that names an interpreter would need the libraries of this machine too
        if b"/ld-linux" not in data[:4096] and b"/ld-musl" not in data[:4096]:
            return data
    raise GuestError("no static busybox; install busybox-static")


def initramfs(
    kernel: Kernel,
    modules: Iterable[str],
    commands: str,
    files: Iterable[cpio.Entry] = (),
) -> tuple[bytes, tuple[str, ...]]:
    """Return a packed root file system that runs ``commands``, and modules that are missing."""
    wanted = tuple(modules)
    found = gather(kernel.modules, wanted) if kernel.modules is not None else None
    loaded = found.files if found else ()
    missing = found.missing if found else ()
    order = "\n".join(name for name, _data in loaded)
    init = INIT % {"hello": HELLO, "commands": commands}
    entries = [
        cpio.console(),
        cpio.file("init", init.encode(), run=True),
        cpio.file("bin/busybox", busybox(), run=True),
        cpio.file("modules/order", order.encode()),
        *(cpio.file(f"modules/{name}.ko", data) for name, data in loaded),
        *files,
    ]
    return gzip.compress(cpio.archive(entries), 1), missing


def boot(
    kernel: Kernel,
    root: bytes,
    seconds: float,
    accelerators: Sequence[Accelerator] = (),
    memory: int = 512,
) -> Outcome:
    """Boot and wait for the guest to switch itself off, ``seconds`` at most.

    KVM is tried where it can be opened; a kernel that does not come up on it is booted
    again without.  Raises GuestError when QEMU is not there or does not start.
    """
    if shutil.which(_QEMU) is None:
        raise GuestError(f"{_QEMU} is not installed (qemu-system-x86)")
    ways = tuple(accelerators) or (("kvm", "tcg") if _kvm() else ("tcg",))
    for way in ways[:-1]:
        outcome = _run(kernel, root, seconds, way, memory)
        if HELLO in outcome.console:
            return outcome
    return _run(kernel, root, seconds, ways[-1], memory)


def _kvm() -> bool:
    return os.access("/dev/kvm", os.R_OK | os.W_OK)


def _run(kernel: Kernel, root: bytes, seconds: float, way: Accelerator, memory: int) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="patchlint-guest-") as folder:
        place = Path(folder)
        (place / "root").write_bytes(root)
        command = [
            _QEMU,
            *("-accel", way, "-m", str(memory), "-smp", "1", "-no-reboot", "-nodefaults"),
            *("-display", "none", "-monitor", "none", "-nic", "none"),
            *("-serial", f"file:{place / 'console'}", "-serial", f"file:{place / 'data'}"),
            *("-kernel", str(kernel.image), "-initrd", str(place / "root")),
            *("-append", "console=ttyS0 quiet loglevel=3 panic=-1 rdinit=/init mitigations=off"),
        ]
        with (place / "errors").open("wb") as errors:
            process = _start(command, errors)
            try:
                finished = _wait(process, place / "console", seconds, way)
            finally:
                if process.poll() is None:
                    process.kill()
                process.communicate()
        said = _text(place / "console")
        if process.returncode > 0 and not said and way == "tcg":
            why = _text(place / "errors").strip().splitlines()
            raise GuestError(f"{_QEMU} does not start: {why[0] if why else 'it said nothing'}")
        data = (place / "data").read_bytes() if (place / "data").exists() else b""
        return Outcome(said, data, way, finished)


def _start(command: list[str], errors: IO[bytes]) -> subprocess.Popen[bytes]:
    try:
        return programs.stream(command, errors=errors)
    except programs.ProgramError as error:
        raise GuestError(str(error)) from None


def _wait(process: subprocess.Popen[bytes], console: Path, seconds: float, way: str) -> bool:
    """Whether the guest ended by itself in time."""
    start = time.monotonic()
    up = way != "kvm"
    while process.poll() is None:
        spent = time.monotonic() - start
        if spent > seconds:
            return False
        if not up and spent > _KVM_PATIENCE:
            if HELLO not in _text(console):
                return False
            up = True
        time.sleep(_POLL)
    return process.returncode == 0


def _text(path: Path) -> str:
    if not path.exists():
        return ""
    return path.read_bytes().decode("utf-8", "replace").replace("\r\n", "\n")
