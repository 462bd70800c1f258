"""Folders on the way to a private file.

Whoever can write to one of them can put another file, or another folder, in its place.

Stops:   another user of the machine who takes away what we read, or are about to write, by way of a folder above it.
How:     walked from the root, one name after the other. Every folder, and every link, belongs to us or to root; no
         folder can be written to by its group or by others, unless it is sticky, where nobody can replace what is not
         his. A link is followed only here, and what it leads to is walked in the same way: so a secret that Kubernetes
         mounts (`token -> ..data/token`, `..data -> ..2027_01_15`) is taken.
Does not stop: root, or whoever owns a disk that is mounted there.
Read:    path_resolution(7); open(2) O_NOFOLLOW
"""

import os
import stat
from pathlib import Path

from slackapp.errors import ConfigError

_MAX_LINKS = 40
"""As Linux has it."""
_SYSTEM = tuple(map(Path, ("/bin", "/boot", "/lib", "/lib32", "/lib64", "/proc", "/sbin", "/sys", "/usr")))
"""Whatever is below them is the system's (hier(7))."""
_SHARED = tuple(map(Path, ("/etc", "/run", "/var")))
"""What lies in them is the system's, and of what lies deeper some."""


def resolve_private_path(path: Path, trusted: Path | None = None, to_folder: bool = False) -> Path:
    """Resolves a path to an absolute one without links, and refuses any part that others can change.

    Its end need not be there yet. With `to_folder` its end is a folder, and judged like the others. `trusted` is a
    folder that is not judged, nor those above it. Raises ConfigError that names the place and what to do.
    """
    exempt: set[Path] = set()
    if trusted is not None:
        own = Path(os.path.realpath(trusted))
        exempt = {own, *own.parents}
    folder, names, links = Path("/"), list(path.absolute().parts[1:]), 0
    _check_folder(folder, os.stat(folder), exempt)
    while names:
        name = names.pop(0)
        if name == "..":
            folder = folder.parent
            continue
        here = folder / name
        try:
            found = os.lstat(here)
        except FileNotFoundError:
            return here.joinpath(*names)
        except OSError as error:
            raise ConfigError(f"{here}: cannot be looked at ({os.strerror(error.errno or 0)})") from None
        if stat.S_ISLNK(found.st_mode):
            links += 1
            target = _follow(here, found, links)
            if target.is_absolute():
                folder, target = Path("/"), target.relative_to("/")
            names = [*target.parts, *names]
        elif stat.S_ISDIR(found.st_mode) and (names or to_folder):
            folder = here
            _check_folder(folder, found, exempt)
        else:
            return here.joinpath(*names)  # whoever opens it finds out whether that is there
    return folder


def permission_hint(path: Path, action: str, looks_like_secret: bool) -> str:
    """Chooses the hint for a file that is not private: `action`, but never a change to a system file."""
    if _is_the_systems(path) or (not looks_like_secret and _is_below(path, _SHARED)):
        return "it does not look like this service's own; name a file that nobody else uses, with mode 600"
    if path.parent.name.startswith(".."):  # a secret that is mounted, and read only
        return "in Kubernetes give the volume defaultMode: 0400, or set CREDENTIALS_DIRECTORY to its path"
    return action


def refuse_replaceable(path: Path, found: os.stat_result) -> None:
    """Refuses a file that others than we or root may change; they may read it. Raises ConfigError."""
    # claim: C-101
    if found.st_uid not in (0, os.geteuid()):
        raise ConfigError(f"{path}: belongs to another user, who can change it; take one of this user's, or of root's")
    # claim: C-101
    if stat.S_IMODE(found.st_mode) & 0o022:
        action = permission_hint(path, f"run: chmod go-w {path}", looks_like_secret=True)
        raise ConfigError(f"{path}: others can change it; {action}")


def _is_the_systems(path: Path) -> bool:
    return path.parent in (Path("/"), *_SHARED) or _is_below(path, _SYSTEM)


def _is_below(path: Path, folders: tuple[Path, ...]) -> bool:
    return any(folder in (path, *path.parents) for folder in folders)


def _follow(link: Path, found: os.stat_result, links: int) -> Path:
    # claim: C-101
    if found.st_uid not in (0, os.geteuid()):
        raise ConfigError(f"{link}: this link belongs to another user; make it anew as the user that runs the service")
    if links > _MAX_LINKS:
        raise ConfigError(f"{link}: is a link of more than {_MAX_LINKS} links; name the file itself")
    try:
        return Path(os.readlink(link))
    except OSError as error:
        raise ConfigError(f"{link}: cannot be followed ({os.strerror(error.errno or 0)})") from None


def _check_folder(folder: Path, found: os.stat_result, exempt: set[Path]) -> None:
    if folder in exempt:
        return
    # claim: C-101
    if found.st_uid not in (0, os.geteuid()):
        raise ConfigError(
            f"{folder}: this folder belongs to another user, who can replace what is in it; chown it to the user that "
            "runs the service, or take another folder"
        )
    # Who can write to the folder can put another file in this one's place. A sticky folder forbids just that.
    # claim: C-22, C-101
    if stat.S_IMODE(found.st_mode) & 0o022 and not found.st_mode & stat.S_ISVTX:
        action = "take another folder" if _is_the_systems(folder) else f"run: chmod go-w {folder}"
        raise ConfigError(f"{folder}: others can write to this folder; {action}")
