"""The library's own contract for storages, with the schemas of RFC 7643, on both databases."""

from __future__ import annotations

import pytest
from scim2_models import ScimProvider
from scim2_server.testing import ScimStorageContract

from app.store.database import Database
from tests.scim.directory_storage import DirectoryStorage


class TestDirectory(ScimStorageContract):
    @pytest.fixture
    def storage(self, database: Database, provider: ScimProvider) -> DirectoryStorage:
        return DirectoryStorage(database, provider)
