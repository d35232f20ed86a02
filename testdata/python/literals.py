"""Prints random values as repr() and as json.dumps() write them, one pair a line:

    python3 testdata/python/literals.py > testdata/python/literals.jsonl
"""
import json
import random

random.seed(20200229)
ALPHABET = "ab'\"\\\n\t\r\x00\x07\x08\x0c\x1f\x7f\x80\xa0\xad\u200b\u2028\ufeff\ue000\u00e9\u4e2d\U0001f600\U000e0001 ,:[]{}()<>#%"


def text():
    return "".join(random.choice(ALPHABET) for _ in range(random.choice((0, 1, 2, 3, 8))))


def scalar():
    return random.choice((
        lambda: None, lambda: True, lambda: False, text, text, text,
        lambda: random.randint(-10, 10), lambda: random.randint(-(10**25), 10**25),
        lambda: random.uniform(-1, 1), lambda: random.uniform(-1, 1) * 10 ** random.randint(-300, 300)))()


def value(depth):
    if depth == 0 or random.random() < 0.3:
        return scalar()
    n = random.choice((0, 1, 1, 2, 3))
    return random.choice((
        lambda: [value(depth - 1) for _ in range(n)],
        lambda: tuple(value(depth - 1) for _ in range(n)),
        lambda: {random.choice((text, text, lambda: random.randint(-5, 5), lambda: None, lambda: True))(): value(depth - 1) for _ in range(n)}))()


count = 0
while count < 400:
    v = value(4)
    if isinstance(v, (list, tuple, dict)):
        print(json.dumps({"repr": repr(v), "json": json.dumps(v)}))
        count += 1
