# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""Reads the evidence as an auditor without tact would: DIR/HOST/entries/NNNNNNNNNNNN, each a sequence of u16 big-endian length and JSON
entry. Shares nothing with src."""

import json
import os
import struct


class Torn(ValueError):
    """A segment that ends in the middle of an entry, or holds what is not one."""


def read_segment(path):
    """The entries of one file."""
    with open(path, "rb") as file:
        data = file.read()
    entries = []
    at = 0
    while at < len(data):
        if at + 2 > len(data):
            raise Torn("%s: %d bytes where a length should be" % (path, len(data) - at))
        (length,) = struct.unpack_from(">H", data, at)
        at += 2
        if at + length > len(data):
            raise Torn("%s: entry of %d bytes at %d, %d left" % (path, length, at, len(data) - at))
        entries.append(json.loads(data[at:at + length].decode("utf-8")))
        at += length
    return entries


def hosts(folder):
    """The hosts that have a log in the folder."""
    if not os.path.isdir(folder):
        return []
    return sorted(name for name in os.listdir(folder) if os.path.isdir(os.path.join(folder, name, "entries")))


def read(folder, host=None):
    """All entries, host by host, in order of seq; their seq must run on without a gap."""
    found = []
    for name in [host] if host else hosts(folder):
        segments = os.path.join(folder, name, "entries")
        own = []
        for segment in sorted(os.listdir(segments)):
            if not segment.isdigit():
                continue
            entries = read_segment(os.path.join(segments, segment))
            if entries and int(segment) != entries[0]["seq"]:
                raise Torn("%s: segment %s starts with seq %r" % (folder, segment, entries[0]["seq"]))
            own += entries
        for before, after in zip(own, own[1:]):
            if after["seq"] != before["seq"] + 1:
                raise Torn("%s: seq %r after %r" % (folder, after["seq"], before["seq"]))
        found += own
    return found


def select(entries, **fields):
    """Those whose fields have these values: select(entries, kind="decision", verdict="reject")."""
    return [entry for entry in entries if all(entry.get(name) == value for name, value in fields.items())]
