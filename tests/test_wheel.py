# SPDX-License-Identifier: Apache-2.0
"""Wheel and source distribution: built, listed, installed in an environment of their own."""

import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
MODELS = ("half", "medium", "quarter", "small")
BESIDE_THE_CODE = {
    "corpus/ladder.toml",
    "corpus/sample/card.json",
    "corpus/sample/sample.parquet",
    "models/LICENSE",
    *(f"models/zoo/tinyvmaf_small_vmaf1_v1.{kind}" for kind in ("json", "onnx")),
    *(f"models/zoo/tinyvmaf_{name}_v1.{kind}" for name in MODELS for kind in ("json", "onnx")),
    "py.typed",
    *(f"report/templates/{name}.html.jinja" for name in ("chart", "model", "page")),
    *(f"report/templates/{name}.js" for name in ("chart", "model", "page")),
    "report/templates/style.css",
    "scoring/costs.json",
    "scoring/deviations.json",
    *(f"training/recipes/{name}.toml" for name in ("default", "digest")),
}
"""Every file of the wheel that is neither a Python module nor a schema."""

METADATA = {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"}
LARGEST_MB = 450
MOST_PACKAGES = 20


def run(*command, cwd=None):
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder with both distributions."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "-d", folder, cwd=ROOT)
    return folder


def names(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def only(folder, pattern):
    (path,) = folder.glob(pattern)
    return path


def test_the_wheel_holds_the_package_and_nothing_else(built):
    found = names(only(built, "*.whl"))
    package = ROOT / "src" / "tinyvmaf"
    modules = {str(path.relative_to(package)) for path in package.rglob("*.py")}
    schemas = {f"schemas/{path.name}" for path in (package / "schemas").glob("*.json")}
    inside = {name.removeprefix("tinyvmaf/") for name in found if name.startswith("tinyvmaf/")}
    assert inside == modules | schemas | BESIDE_THE_CODE
    info = {name.partition(".dist-info/")[2] for name in found if ".dist-info/" in name}
    assert info == METADATA
    assert len(found) == len(inside) + len(info)


def test_the_source_distribution_makes_the_same_wheel(built, tmp_path):
    with tarfile.open(only(built, "*.tar.gz")) as archive:
        archive.extractall(tmp_path, filter="data")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path / "again",
        cwd=only(tmp_path, "tinyvmaf-*"))  # fmt: skip
    again = names(only(tmp_path / "again", "*.whl"))
    first = names(only(built, "*.whl"))
    assert again == first


def test_the_base_installs_small_and_consistent_and_scores(built, tmp_path, moving, make_video):
    venv.create(tmp_path / "base", with_pip=True)
    python = tmp_path / "base" / "bin" / "python"
    pip = (python, "-m", "pip", "--disable-pip-version-check")
    before = run(*pip, "list", "--format=freeze").splitlines()
    constraints = ROOT / "constraints.txt"
    run(*pip, "install", "--quiet", "--constraint", constraints, only(built, "*.whl"))
    assert run(*pip, "check").strip() == "No broken requirements found."
    after = run(*pip, "list", "--format=freeze").splitlines()
    added = {line.partition("==")[0] for line in after} - {
        line.partition("==")[0] for line in before
    }
    assert "tinyvmaf" in added
    assert len(added) <= MOST_PACKAGES, sorted(added)
    packages = Path(
        run(python, "-c", "import tinyvmaf; print(tinyvmaf.__path__[0])").strip()
    ).parent
    own = [path for path in packages.rglob("*") if path.is_file() and not is_of_pip(path, packages)]
    assert sum(path.stat().st_size for path in own) / 2**20 <= LARGEST_MB
    reference = moving(tmp_path / "r.mkv", "-c:v", "ffv1", frames=24)
    distorted = make_video(tmp_path / "d.mkv", "-i", reference, "-c:v", "libx264", "-crf", 35)
    program = tmp_path / "base" / "bin" / "tinyvmaf"
    assert run(program, "score", reference, distorted, "--mode", "exact").startswith("VMAF ")
    assert "tinyvmaf_small_v1" in run(program, "models", "list")


def is_of_pip(path, packages):
    first = path.relative_to(packages).parts[0]
    return first.startswith(("pip", "setuptools", "pkg_resources", "_distutils"))


def test_it_installs_from_the_source_distribution(built, tmp_path):
    target = tmp_path / "installed"
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    alone = ("--no-deps", "--no-build-isolation", "--target", target)
    run(*pip, "install", "--quiet", *alone, only(built, "*.tar.gz"))
    code = f"import sys; sys.path[:0] = [{str(target)!r}]; import tinyvmaf as t; print(t.__file__)"
    assert run(sys.executable, "-P", "-c", code).startswith(str(target))
