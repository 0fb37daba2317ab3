"""A simulated Acme, from page 4 of its manual and not from the driver."""

AWAKE_S = 10.0  # "ten seconds without a line: it switches off"


class AcmePeer:
    def __init__(self):
        self.steps, self.complaints = (0,), []
        self.line, self.heard_at, self.until = b"", 0.0, None

    def take(self, data, now):
        answers = []
        *lines, self.line = (self.line + data).split(b"\r\n")
        for line in lines:
            self.heard_at = now
            answers += self.obey(line.decode(), now)
        return answers

    def obey(self, line, now):
        match line.split():
            case ["ID?"]:
                return [b"ACME 00017 1.2\r\n"]
            case ["SET", level] if level in "12345678":
                return self.go(int(level))
            case ["OFF"]:
                self.until = None
                return self.go(0)
            case ["TIME", minutes] if minutes in ("5", "10"):
                self.until = now + 60 * int(minutes)
            case ["PING"] | []:
                pass
            case _:
                self.complaints.append(f"{line!r} is not in the manual")
        return []

    def go(self, level):
        self.steps = (level,)
        return [b"LEVEL %d\r\n" % level]

    def pass_time(self, now):
        over = self.until is not None and now >= self.until
        asleep = self.steps != (0,) and now >= self.heard_at + AWAKE_S
        if over or asleep:
            self.until = None
            return self.go(0)
        return []

    def link_down(self, now):
        pass  # it notices only that nothing comes any more
