"""Random texts and bytes: those that a type has, changed a little or much."""
LETTERS = "0123456789+-.,:;/ eEnN\"'{}[]()\\tTfF \t\n%*#@!~é€𝄞"
WHOLE = ["", " ", "NULL", "null", "{}", "{NULL}", "[]", "nan", "NaN", "Infinity", "-infinity", "epoch", "0x10", "1e999", "1e-999", "-0", "\\x",
         "\\xg", "\\000", "2147483648", "-2147483649", "32768", "9223372036854775808", "99999-12-31", "0000-00-00", "294277-01-01", "4714-11-24 BC",
         "24:00:01", "P1Y", "1 mon 1 day", "::1/128", "10.0.0.1/33", "[2:3]={1,2}", "{{1},{2,3}}", "{{{{{{{1}}}}}}}", '{"\\', "[1:0]={}",
         "nae1:", "nae1:AAAA", "nae1:====", "NAE1:", " nae1:", "00000000-0000-0000-0000-000000000000", "{a0eebc999c0b4ef8bb6d6bb9bd380a11}"]


def changed(random, data, pieces):
    """`data`, a text or bytes, after some steps; `pieces` is what is put in."""
    for _ in range(random.randint(1, 4)):
        at, size = random.randint(0, len(data)), random.choice((1, 1, 1, 4))
        step = random.randrange(5)
        if step == 0:
            data = data[:at] + data[at + size:]
        elif step == 1:
            data = data[:at] + random.choice(pieces) + data[at:]
        elif step == 2:
            data = data[:at] + random.choice(pieces) + data[at + 1:]
        elif step == 3:
            data = data[:at] + data[max(0, at - size):at] * random.choice((1, 2, 60)) + data[at:]
        else:
            data = data[at:] + data[:at]
    return data


def text(random, valid):
    if random.random() < 0.2:
        return random.choice(WHOLE)
    return changed(random, random.choice(valid), [*LETTERS, *WHOLE] if random.random() < 0.2 else LETTERS)


def octets(random, valid):
    return changed(random, random.choice(valid), [bytes([value]) for value in (0, 1, 2, 0x7f, 0x80, 0xe1, 0xff, random.randrange(256))])
