"""Retries go to our own log, which is redacted and shown with -v; stamina by itself prints each to the terminal."""

import logging

import stamina.instrumentation

from octo_resources.redaction import redact

_log = logging.getLogger(__name__)


def _told(details: stamina.instrumentation.RetryDetails) -> None:
    cause, wait = redact(str(details.caused_by)), details.wait_for
    _log.info("try %d again in %.1f s: %s", details.retry_num, wait, cause)


def log_retries() -> None:
    """From now on, in this process. Calling it again is harmless."""
    stamina.instrumentation.set_on_retry_hooks([_told])
