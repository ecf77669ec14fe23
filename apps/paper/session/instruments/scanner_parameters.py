"""What scanners can be asked for, as the XML that clients read.

The elements are those by which clients find their way (Instrument, LocationTree, ScanType,
AbstractField …); what they hold is what this gateway's own scans know, from the tables of `scan`.
"""

from __future__ import annotations

from functools import cache
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from apps.paper.session.instruments.scan import FILTERS, LOCATIONS, SCANS

__all__ = ["scanner_parameters"]

_INSTRUMENTS = {
    "STK": "US Stocks",
    "FUT.US": "US Futures",
    "STOCK.EU": "European Stocks",
    "IND.US": "US Indices",
}


@cache
def scanner_parameters() -> str:
    """Give the XML document; it is the same for everybody and at all times."""
    root = Element("ScanParameterResponse")
    _add_instruments(root)
    _add_locations(root)
    _add_scans(root)
    _add_filters(root)
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode")


def _add_instruments(root: Element) -> None:
    instruments = SubElement(root, "InstrumentList", varName="instrumentList")
    for code, name in _INSTRUMENTS.items():
        _add(instruments, "Instrument", name=name, type=code, filters=",".join(FILTERS), group=name)


def _add_locations(root: Element) -> None:
    """Add a tree of two levels: the type of instrument, and the places where it trades."""
    tree = SubElement(root, "LocationTree", varName="locationTree")
    for instrument, name in _INSTRUMENTS.items():
        place = _add(
            tree, "Location", displayName=name, locationCode=instrument, instruments=instrument
        )
        below = SubElement(place, "LocationTree", varName="locationTree")
        for code, location in LOCATIONS.items():
            if location.instrument == instrument:
                _add(
                    below,
                    "Location",
                    displayName=location.name,
                    locationCode=code,
                    instruments=instrument,
                    access="unrestricted",
                )


def _add_scans(root: Element) -> None:
    scans = SubElement(root, "ScanTypeList", varName="scanTypeList")
    for code, scan in SCANS.items():
        _add(
            scans,
            "ScanType",
            displayName=scan.name,
            scanCode=code,
            instruments=",".join(_INSTRUMENTS),
            access="unrestricted",
        )


def _add_filters(root: Element) -> None:
    filters = SubElement(root, "FilterList", varName="filterList")
    for code, bound in FILTERS.items():
        simple = _add(filters, "SimpleFilter", id=code, category="Market", access="unrestricted")
        field = _add(
            simple,
            "AbstractField",
            code=code,
            varName="value",
            displayName=bound.name,
            tooltip=bound.name,
        )
        field.set("type", "scanner.filter.DoubleField")


def _add(parent: Element, element_name: str, /, **texts: str) -> Element:
    element = SubElement(parent, element_name)
    for tag, text in texts.items():
        SubElement(element, tag).text = text
    return element
