"""Questions to the kernel's nf_tables that need no program: how often anybody has
changed a ruleset, which table is there, and what counters say.

Everything here is for runs that look at the kernel only where something has
changed. What cannot be asked or understood is None, and then nft is asked.
"""

import struct
from _socket import AF_NETLINK, SOCK_CLOEXEC, SOCK_RAW, SOL_SOCKET, socket  # without the selectors and enums of socket.py

_NETFILTER = 12  # NETLINK_NETFILTER
_NAMESPACE_COOKIE = 71  # SO_NETNS_COOKIE, since Linux 5.14
_TIMEOUT = struct.pack("ll", 2, 0)
_RECEIVE_TIMEOUT = 20  # SO_RCVTIMEO

_SUBSYSTEM = 10 << 8  # NFNL_SUBSYS_NFTABLES
_GET_TABLE, _GET_ELEMENTS, _GET_GENERATION, _GET_OBJECT = 1, 13, 16, 19
_NEW_TABLE, _NEW_GENERATION, _NEW_OBJECT = 0, 15, 18
_INET = 1
_REQUEST, _DUMP = 1, 0x300  # NLM_F_REQUEST, NLM_F_DUMP
_ERROR, _DONE = 2, 3  # kinds of messages
_COUNTER = struct.pack(">I", 1)  # NFT_OBJECT_COUNTER

_NO_PACKETS = struct.pack("=HHQ", 12, 2, 0)  # the attribute of a counter

_HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port
_FAMILY = struct.Struct(">BBH")
_ATTRIBUTE = struct.Struct("=HH")


class Kernel:
    """The nf_tables of this network namespace."""

    def __init__(self):
        self._sequence = 0
        try:
            self._socket = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, _NETFILTER)
            self._socket.setsockopt(SOL_SOCKET, _RECEIVE_TIMEOUT, _TIMEOUT)
        except OSError:  # nft will say why
            self._socket = None

    def namespace(self):
        """A number that no other network namespace has until the next boot."""
        if self._socket is None:
            return None
        try:
            return int.from_bytes(self._socket.getsockopt(SOL_SOCKET, _NAMESPACE_COOKIE, 8), "little")
        except OSError:
            return None

    def generation(self):
        """How many transactions there were, of whatever tables. Counts and elements
        that packets make are no transactions."""
        found = self._asked(_GET_GENERATION, 0, _NEW_GENERATION, {})
        return None if found is None or 1 not in found else int.from_bytes(found[1], "big")

    def table(self, name):
        """The handle of a table of family inet, which no later one will have."""
        found = self._asked(_GET_TABLE, _INET, _NEW_TABLE, {1: _text(name)})
        return None if found is None or 4 not in found else int.from_bytes(found[4], "big")

    def counter(self, table, name):
        """Packets and bytes of a counter with a name."""
        found = self._asked(_GET_OBJECT, _INET, _NEW_OBJECT, {1: _text(table), 2: _text(name), 3: _COUNTER})
        counts = _attributes(found[4], 0) if found and 4 in found else {}
        return (int.from_bytes(counts[2], "big"), int.from_bytes(counts[1], "big")) if {1, 2}.issubset(counts) else None

    def counted(self, table, name):
        """Of a set whose elements count: key, comment, packets and bytes of those that
        met a packet. Nothing where there is no such set."""
        messages = self._dumped(_GET_ELEMENTS, _INET, {1: _text(table), 2: _text(name)})
        if messages is None:
            return None
        found = []
        for message in messages:
            for element in _list(_attributes(message, 0).get(3, b"")):
                if _NO_PACKETS in element:
                    continue  # nearly all of them; the rest is slow
                parts = _attributes(element, 0)
                counter = _attributes(_attributes(parts.get(7, b""), 0).get(2, b""), 0)
                if {1, 2}.issubset(counter):
                    key = _attributes(parts.get(1, b""), 0).get(1, b"")
                    found.append((key, _comment(parts.get(6, b"")), int.from_bytes(counter[2], "big"), int.from_bytes(counter[1], "big")))
        return found

    def _dumped(self, what, family, attributes):
        """The messages of a listing, without their headers."""
        messages = []
        try:
            self._send(what, family, _REQUEST | _DUMP, attributes)
            while True:
                found, offset = self._socket.recv(1 << 17), 0
                while offset < len(found):
                    length, kind, _, sequence, _ = _HEADER.unpack_from(found, offset)
                    if sequence == self._sequence and kind in (_DONE, _ERROR):
                        return messages
                    if sequence == self._sequence:
                        messages.append(found[offset + _HEADER.size + _FAMILY.size:offset + length])
                    offset += (max(length, _HEADER.size) + 3) & ~3
        except (OSError, struct.error):
            return None

    def _send(self, what, family, flags, attributes):
        if self._socket is None:
            raise OSError("no netlink")
        self._sequence += 1
        body = _FAMILY.pack(family, 0, 0) + b"".join(_ATTRIBUTE.pack(4 + len(value), number) + value + b"\0" * (-len(value) % 4) for number, value in attributes.items())
        self._socket.send(_HEADER.pack(_HEADER.size + len(body), _SUBSYSTEM | what, flags, self._sequence, 0) + body)

    def _asked(self, what, family, answer, attributes):
        """The attributes of the answer, by number; None where there is none."""
        try:
            self._send(what, family, _REQUEST, attributes)
            found = self._socket.recv(65536)
            length, kind, _, sequence, _ = _HEADER.unpack_from(found)
            return _attributes(found[:length], _HEADER.size + _FAMILY.size) if (kind, sequence) == (_SUBSYSTEM | answer, self._sequence) else None
        except (OSError, struct.error):
            return None


def _text(name):
    return name.encode("ascii") + b"\0"


def _attributes(message, offset):
    found = {}
    while offset + 4 <= len(message):
        length, number = _ATTRIBUTE.unpack_from(message, offset)
        if length < 4:
            break
        found[number & 0x3FFF] = message[offset + 4:offset + length]
        offset += (length + 3) & ~3
    return found


def _list(elements):
    """The bodies of a list of attributes, all of one number."""
    offset = 0
    while offset + 4 <= len(elements):
        length, _ = _ATTRIBUTE.unpack_from(elements, offset)
        if length < 4:
            return
        yield elements[offset + 4:offset + length]
        offset += (length + 3) & ~3


def _comment(data):
    """The comment among what nft keeps beside an element: kind, length, text."""
    while len(data) >= 2:
        if data[0] == 0:
            return data[2:2 + data[1]].rstrip(b"\0").decode("ascii", "replace")
        data = data[2 + data[1]:]
    return None
