"""What tags hold is counted from the bytes: exactly where a parser sees a tag, and nowhere else."""

from __future__ import annotations

import pytest

from shim.core.errors import CallerError
from shim.core.reading.bounds import bound_tags


def attributes(number: int) -> bytes:
    return b" ".join(b'a%d="="' % each for each in range(number))


def judged(document: bytes, most: int = 64, namespace: int = 100) -> str:
    try:
        bound_tags(document, most, namespace)
    except CallerError as fault:
        return fault.text
    return ""


def test_as_many_attributes_as_the_limit_are_taken_and_one_more_is_not() -> None:
    assert judged(b"<a %b/>" % attributes(64)) == ""
    assert "more than 64 attributes on an element; at most 64" in judged(b"<a %b/>" % attributes(65))
    assert judged(b"<a %b><b %b></b></a>" % (attributes(64), attributes(64))) == ""


def test_signs_of_equality_in_values_are_no_attributes() -> None:
    assert judged(b"<a b='%b'/>" % (b"=" * 500)) == ""


@pytest.mark.parametrize(
    "around", [b"<!-- %b -->", b"<![CDATA[%b]]>", b"<?pi %b?>", b"<a b='&lt;'>&lt;%b</a>", b"<a>%b</a>"]
)
def test_what_only_looks_like_a_tag_is_none(around: bytes) -> None:
    inner = attributes(65) if b"<a" in around else b"<a %b/>" % attributes(65)
    assert judged(around % inner) == ""


@pytest.mark.parametrize(
    "hidden",
    [
        b"<!-- a -- b --><a %b/>",
        b"<!----><a %b/>",
        b"<![CDATA[]]]]><a %b/>",
        b"<?a?><?b ? ?><a %b/>",
        b"<a b='>'/><a %b/>",
        b'<a b=">" c=\'"\'/><a %b/>',
        b"text > text <a\n%b\n>",
        b"<a>]]</a><b %b/>",
        b"<!-- <![CDATA[ --><a %b/>",
    ],
)
def test_nothing_before_it_hides_a_tag(hidden: bytes) -> None:
    assert "attributes" in judged(hidden % attributes(65))


@pytest.mark.parametrize(
    "quoted", [b'xmlns="%b"', b"xmlns='%b'", b'xmlns:a = "%b"', b"b='xmlns=' xmlns:x\n=\n'%b'"]
)
def test_a_namespace_name_is_measured_however_it_is_written(quoted: bytes) -> None:
    assert judged(b"<a %b/>" % (quoted % (b"u" * 100))) == ""
    assert "namespace name of 101 bytes; at most 100" in judged(b"<a %b/>" % (quoted % (b"u" * 101)))


def test_a_value_that_speaks_of_namespaces_is_no_namespace() -> None:
    assert judged(b"<a b='xmlns=\"%b\"'/>" % (b"u" * 500)) == ""


def test_names_that_become_large_with_their_namespaces_written_out_are_refused() -> None:
    head = b'<a xmlns:n="%b">' % (b"u" * 1000)
    assert judged(head + b"<n:b/>" * 100 + b"</a>", namespace=1000) == ""
    assert "written out" in judged(head + b"<n:b/>" * 5000 + b"</a>", namespace=1000)
    assert "written out" in judged(head + b"<b n:a=''/>" * 5000 + b"</a>", namespace=1000)


def test_the_namespaces_of_the_interface_may_stand_on_every_element() -> None:
    element = b'<n:ID xmlns:n="http://4psa.com/ClientData.xsd/2.5.1" a="b">1</n:ID>'
    assert judged(b"<a>" + element * 10_000 + b"</a>", namespace=1024) == ""


@pytest.mark.parametrize(
    "broken", [b"<a %b", b"<a b='%b", b"<!-- %b", b"<![CDATA[ %b", b"<? %b", b"< %b", b"<a <%b"]
)
def test_after_what_is_broken_nothing_is_read(broken: bytes) -> None:
    """A parser stops there as well, so that nothing is expanded."""
    assert judged(broken % b"xmlns=''" + b"<a %b/>" % attributes(65)) == ""
