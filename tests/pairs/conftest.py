# SPDX-License-Identifier: Apache-2.0
from tests.scoring.conftest import distorted, exact, made, pristine, worse  # noqa: F401 (fixtures)
