"""The file system under every stand-in: a minimal Debian, made by mmdebstrap(1)."""

from pathlib import Path
from tarfile import TarFile

from dev import commands
from dev.mirror import apt, clients
from dev.progress import Step

INCLUDED = ("busybox", "ca-certificates")
# What Debian's own slim images leave out.
LEFT_OUT = ("/usr/share/doc/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/man/*")
MEMBER = f".{clients.BUNDLE}"


def recipe(archive: apt.Archive, options: str) -> list[str]:
    """Everything that decides what the file system contains."""
    return [apt.SUITE, *INCLUDED, *LEFT_OUT, *archive.lines(), options]


def make(target: Path, archive: apt.Archive, options: str, step: Step) -> None:
    """Make the file system (about 20 s, 140 MB) and the certificates it lacks.

    Args:
        target: Gets `rootfs.tar`, and `certificates/` with this machine's own certificate authorities.
        archive: Where the packages come from; also what the file system's own apt uses.
        options: Lines for its apt.conf.d.
        step: Is told what mmdebstrap does.
    """
    own = target / "certificates"
    own.mkdir(parents=True)
    configuration = target / "apt.conf"
    configuration.write_text(options or "// This machine reaches the archive without any setting.\n")
    tar = target / "rootfs.tar"
    argv = ["mmdebstrap", "--variant=minbase", f"--include={','.join(INCLUDED)}", f"--aptopt={configuration}"]
    argv += [f"--dpkgopt=path-exclude={path}" for path in LEFT_OUT]
    argv += [apt.SUITE, str(tar), *archive.lines()]
    commands.run(argv, name="mirror-rootfs", on_line=lambda line: step.update(line.removeprefix("I: ")))
    for number, certificate in enumerate(clients.additional(clients.certificates(), _certificates(tar))):
        (own / f"machine-{number}.crt").write_text(f"{certificate}\n")


def _certificates(tar: Path) -> list[str]:
    with TarFile(tar) as archive:
        file = archive.extractfile(MEMBER)
        assert file is not None  # a regular file in Debian's ca-certificates
        return clients.CERTIFICATE.findall(file.read().decode())
