"""Model calls: the v3 calls of an old operation without a sample, by a dry run of its least message.

Laws: as for samples, no value is in them: a text is the name of its element in braces. Reads that the shim
makes for itself are left out: the calls that the declarations name stand there, else the writes.
"""

from __future__ import annotations

from collections.abc import Iterable

from shim.core.catalogue.translation import READS, Catalogue
from shim.core.rehearsal.dry_run import dry_run
from shim.core.schema.interface import Demand, ElementDecl
from shim.edge.deprecation.samples import new_shape
from shim.review.reading.mapping import mapping_of
from shim.review.reading.model import SampleCall

_OF_ALL = "ID"
"""The element that says which thing is meant, where the schema demands none."""


def model_calls(catalogue: Catalogue, operation: str) -> tuple[SampleCall, ...]:
    """The v3 calls that the operation becomes at the least; none where the shim serves it alone, or where a dry
    run does not get through."""
    translation, mapping = catalogue.translations.get(operation), mapping_of(catalogue, operation)
    if translation is None or mapping is None or mapping.alone:
        return ()
    message = least(translation.old.input, translation.request.demands)
    run = dry_run(catalogue, message.encode(), "")
    if run.fault is not None or run.cut_short:
        return ()
    declared = {call.operation for call in mapping.calls}
    calls = [(f"{each.service}.{each.operation}", each) for each in run.calls]
    kept = [each for each in calls if each[0] in declared] or [
        each for each in calls if not each[1].operation.startswith(READS)
    ]
    operations = catalogue.new.operations
    return tuple(
        SampleCall(name, call.url, operations[name].soap_action, new_shape(catalogue.new, call.envelope))
        for name, call in kept
    )


def least(decl: ElementDecl, demands: Iterable[Demand] | None = None) -> str:
    """An element as XML with what has to be in it, and the ID of the thing where the schema demands nothing."""
    if decl.complex is None or decl.complex.text is not None:
        return f"<{decl.name}>{'1' if decl.simple and decl.simple.base == 'boolean' else '20'}</{decl.name}>"
    slots = decl.complex.slots
    required = decl.complex.demands if demands is None else demands
    needed = list(dict.fromkeys(slots[each.names[0]].decl for each in required if not each.when))
    if not needed and _OF_ALL in slots:
        needed = [slots[_OF_ALL].decl]
    return f"<{decl.name}>{''.join(least(each) for each in needed)}</{decl.name}>"
