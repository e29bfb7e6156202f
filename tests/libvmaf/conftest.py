# SPDX-License-Identifier: Apache-2.0
from tests.features.conftest import (  # noqa: F401 (fixtures)
    bare_log,
    distorted,
    folder,
    reference,
    score,
    shared_cache,
    watcher,
)
