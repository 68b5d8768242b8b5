"""The backend and the certificate of the end-to-end tests."""

from tests.end_to_end.conftest import backend, tls

__all__ = ["backend", "tls"]
