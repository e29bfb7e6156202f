# SPDX-License-Identifier: Apache-2.0
from tests.evaluation.conftest import digest  # noqa: F401 (a fixture)
