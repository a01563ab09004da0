"""DynamoDB's values, as pairs of a type and a content; nothing of this is taken from leat's own code.

    S str    N Decimal    B bytes    BOOL bool    NULL None    L list    M dict    SS NS BS frozenset

An item is a dict of values. Two values are equal if the pairs are: Decimal compares by value, dict and frozenset without order.
"""
import base64
import decimal
import json
from decimal import Decimal

EXACT = decimal.Context(prec=600, Emin=-10000, Emax=10000, traps=[decimal.Inexact, decimal.InvalidOperation])
DIGITS, LARGEST, SMALLEST = 38, 125, -130
ORDERED = "SNB"
SETS = {"SS": "S", "NS": "N", "BS": "B"}
MARKERS = {"B": "$binary", "SS": "$stringSet", "NS": "$numberSet", "BS": "$binarySet"}
TYPES = ["S", "N", "B", "BOOL", "NULL", "L", "M", "SS", "NS", "BS"]


class Refused(Exception):
    """What the engine should answer with: an error's name, and its text where the model knows it."""

    def __init__(self, name, text=None, more=None):
        super().__init__(name, text)
        self.name, self.text, self.more = name, text, more


def invalid(text=None):
    return Refused("ValidationException", text)


# -- Numbers ------------------------------------------------------------------------------------------------------


def check_number(number):
    """The number, or DynamoDB's refusal of what it cannot hold."""
    if number == 0:
        return Decimal(0)
    digits = "".join(map(str, number.as_tuple().digits)).strip("0")
    leading = number.adjusted()
    if leading > LARGEST:
        raise invalid("Number overflow. Attempting to store a number with magnitude larger than supported range")
    if leading < SMALLEST:
        raise invalid("Number underflow. Attempting to store a number with magnitude smaller than supported range")
    if len(digits) > DIGITS:
        raise invalid("Attempting to store more than 38 significant digits in a Number")
    return number


def add(a, b):
    return check_number(EXACT.add(a, b))


def subtract(a, b):
    return check_number(EXACT.subtract(a, b))


# -- Order and size -----------------------------------------------------------------------------------------------


def sort_key(value):
    kind, content = value
    return content.encode() if kind == "S" else content


def number_size(number):
    if number == 0:
        return 1
    sign, digits, exponent = number.as_tuple()
    text = "".join(map(str, digits))
    text, exponent = text.rstrip("0"), exponent + len(text) - len(text.rstrip("0"))
    text = text.lstrip("0")
    behind = min(max(-exponent, 0), len(text))
    return 1 + (len(text) - behind + 1) // 2 + (behind + 1) // 2 + sign


def size(value):
    kind, content = value
    if kind == "S":
        return len(content.encode())
    if kind == "B":
        return len(content)
    if kind == "N":
        return number_size(content)
    if kind in ("BOOL", "NULL"):
        return 1
    if kind == "L":
        return 3 + sum(1 + size(each) for each in content)
    if kind == "M":
        return 3 + sum(1 + len(name.encode()) + size(each) for name, each in content.items())
    return sum(size((SETS[kind], each)) for each in content)


def item_size(item):
    return sum(len(name.encode()) + size(each) for name, each in item.items())


# -- JSON as the engine reads and writes it (common/json.h) -------------------------------------------------------


def plain(value):
    kind, content = value
    if kind == "N":
        return content
    if kind == "B":
        return {"$binary": base64.b64encode(content).decode()}
    if kind == "L":
        return [plain(each) for each in content]
    if kind == "M":
        return {name: plain(each) for name, each in content.items()}
    if kind in SETS:
        inner = [plain((SETS[kind], each)) for each in content]
        return {MARKERS[kind]: [each["$binary"] for each in inner] if kind == "BS" else inner}
    return content


def read(data):
    if data is None:
        return "NULL", None
    if isinstance(data, bool):
        return "BOOL", data
    if isinstance(data, Decimal):
        return "N", data
    if isinstance(data, str):
        return "S", data
    if isinstance(data, list):
        return "L", [read(each) for each in data]
    for kind, marker in MARKERS.items():
        if list(data) == [marker]:
            if kind == "B":
                return "B", base64.b64decode(data[marker])
            decode = base64.b64decode if kind == "BS" else lambda each: each
            return kind, frozenset(decode(each) for each in data[marker])
    return "M", {name: read(each) for name, each in data.items()}


def plain_item(item):
    return plain(("M", item))


def read_item(data):
    return read(data)[1]


def loads(text):
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)


def dumps(data):
    """json.dumps, but a Decimal keeps every digit."""
    if isinstance(data, Decimal):
        return str(data)
    if isinstance(data, dict):
        return "{" + ",".join(json.dumps(name) + ":" + dumps(each) for name, each in data.items()) + "}"
    if isinstance(data, (list, tuple)):
        return "[" + ",".join(map(dumps, data)) + "]"
    return json.dumps(data)
