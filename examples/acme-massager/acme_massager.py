"""The Acme neck massager, from page 4 of its manual."""

from massager_ctl.drivers import (
    Assurance,
    Channel,
    Confirmation,
    DeadMan,
    Dialect,
    DriverSpec,
    Find,
    LinkKind,
    Zone,
)


class Acme(Dialect):
    every_s = 2.0  # PING keeps it awake
    known = False  # until it has answered ID?
    rest = b""

    def start(self, now):
        return [b"ID?\r\n"]

    def levels(self, steps, now):
        return [b"SET %d\r\n" % steps[0]] if steps[0] else self.stop(now)

    def stop(self, now):
        return [b"OFF\r\n"]

    def alive(self, now):
        return [b"PING\r\n"]

    def timer(self, minutes, now):
        return [b"TIME %d\r\n" % minutes]

    def feed(self, data, now):
        told = None
        *lines, self.rest = (self.rest + data[-200:]).split(b"\r\n")
        for line in lines:
            match line.decode("ascii", "replace").split():
                case ["ACME", serial, firmware]:
                    self.known, self.serial, self.firmware = True, serial, firmware
                case ["LEVEL", level] if level.isdigit() and int(level) <= 8:
                    told = (int(level),)
        return told


ACME = DriverSpec(
    scheme="acme",
    title="the Acme neck massager",
    links=(LinkKind.SERIAL,),
    baud=9600,
    channels=(
        Channel((Zone.TRAPEZIUS_LEFT, Zone.TRAPEZIUS_RIGHT), (4, 8, 12, 16, 20, 40, 70, 100)),
    ),
    dialect=Acme,
    find=Find(answers=True),
    timer_min=(5, 10),
    ends_frame=b"\r\n",
    assurance=Assurance(dead_man=DeadMan.OWN, stop=Confirmation.STATE, own_timer=True),
)
