"""The library's own contract for storages, with the schemas of RFC 7643, on both databases."""

from __future__ import annotations

import pytest
from scim2_models import ScimProvider
from scim2_server.testing import ScimStorageContract, load_default_provider

from app.store.database import Database
from tests.scim.directory_storage import DirectoryStorage


class TestDirectory(ScimStorageContract):
    @pytest.fixture(scope="class")
    @classmethod
    def provider(cls) -> ScimProvider:
        """The library's own, made once: making its models is most of what a test takes."""
        return load_default_provider()

    @pytest.fixture
    def storage(self, database: Database, provider: ScimProvider) -> DirectoryStorage:
        return DirectoryStorage(database, provider)
