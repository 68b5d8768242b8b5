"""An old operation and what becomes of it, as JSON."""

from __future__ import annotations

import json

from shim.core.catalogue.calls import calls_of, lookups
from shim.core.catalogue.translation import CalledOperation, Catalogue, Translation
from shim.core.schema.interface import Operation


def plain(catalogue: Catalogue, operation: Operation, translation: Translation | None) -> str:
    """`{"operation", "endpoint", "translated", "emulated", "calls", "lookups", "notes", "paths"}`."""
    value = {
        "operation": operation.full_name,
        "endpoint": catalogue.old.services[operation.service].endpoint,
        "translated": translation is not None,
        "emulated": bool(translation is not None and translation.declared.emulates),
        "calls": [] if translation is None else [_call(catalogue, each) for each in calls_of(translation)],
        "lookups": [] if translation is None else [_call(catalogue, each) for each in lookups(translation)],
        "notes": [] if translation is None else list(translation.declared.notes),
        "paths": []
        if translation is None
        else [
            {
                "direction": each.direction,
                "path": each.path,
                "fate": each.fate,
                "place": each.v3_path,
                "finding": each.finding,
                "because": each.because,
            }
            for each in translation.fates
        ],
    }
    return json.dumps(value, indent=1, ensure_ascii=False)


def _call(catalogue: Catalogue, call: CalledOperation) -> dict[str, object]:
    service = catalogue.new.services[call.operation.partition(".")[0]]
    about = {"operation": call.operation, "endpoint": service.endpoint, "because": call.because or None}
    return {
        **about,
        "reads": bool(call.reads),
        "undone_by": call.undo.operation if call.undo is not None else None,
    }
