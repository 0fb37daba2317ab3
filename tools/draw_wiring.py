"""Draw the two wiring diagrams of docs/how-to/build-a-massager.md: `python tools/draw_wiring.py docs/pictures`."""

from __future__ import annotations

import sys
from html import escape
from pathlib import Path
from typing import Final

INK: Final = "#1b2733"
POWER: Final = "#b3261e"
SUPPLY: Final = "#9a5b00"
SIGNAL: Final = "#0b57a4"
SENSE: Final = "#1d6b34"
_STYLE: Final = (
    "text{font-family:Helvetica,Arial,sans-serif;font-size:13px;fill:#1b2733}"
    ".t{font-weight:bold;font-size:14px}.n{font-size:12px;fill:#45525e}.m{text-anchor:middle}.e{text-anchor:end}"
    ".h{font-weight:bold;font-size:18px}"
)


class Drawing:
    """Boxes, wires and words, with an origin at the top left."""

    def __init__(self, width: int, height: int, title: str, description: str) -> None:
        self._parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
            f"<title>{escape(title)}</title><desc>{escape(description)}</desc><style>{_STYLE}</style>",
            f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        ]
        self.words(24, 34, title, "h")

    def words(self, x: int, y: int, text: str, kind: str = "") -> None:
        """Text from `x` on, or around or before it: kinds m and e."""
        self._parts.append(f'<text x="{x}" y="{y}" class="{kind}">{escape(text)}</text>')

    def box(self, x: int, y: int, size: tuple[int, int], *lines: str) -> None:
        """A part; its first line is its name."""
        width, height = size
        self._parts.append(
            f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="6" fill="#f5f7fa" '
            f'stroke="{INK}" stroke-width="1.6"/>'
        )
        for number, line in enumerate(lines):
            self.words(x + width // 2, y + 20 + 17 * number, line, "m n" if number else "m t")

    def wire(self, colour: str, *points: tuple[int, int]) -> None:
        """A wire over some points."""
        path = " ".join(f"{x},{y}" for x, y in points)
        self._parts.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
        )

    def dot(self, x: int, y: int, colour: str) -> None:
        """Where wires are joined; those that cross without one are not."""
        self._parts.append(f'<circle cx="{x}" cy="{y}" r="4" fill="{colour}"/>')

    def ground(self, x: int, y: int) -> None:
        """The sign of ground."""
        self.wire(INK, (x - 10, y), (x + 10, y))
        self.wire(INK, (x - 6, y + 5), (x + 6, y + 5))
        self.wire(INK, (x - 2, y + 10), (x + 2, y + 10))

    def pins(
        self, side: str, x: int, y: int, rows: list[tuple[str, str, str]], step: int = 24
    ) -> None:
        """Stubs at a box's edge: the pin's name inside, the net outside."""
        for number, (inside, outside, colour) in enumerate(rows):
            at = y + number * step
            if side == "left":
                self.wire(colour, (x - 34, at), (x, at))
                self.words(x + 8, at + 4, inside)
                self.words(x - 40, at + 4, outside, "e")
            else:
                self.wire(colour, (x, at), (x + 34, at))
                self.words(x - 8, at + 4, inside, "e")
                self.words(x + 40, at + 4, outside)

    def svg(self) -> str:
        """The file."""
        return "\n".join([*self._parts, "</svg>", ""])


def power() -> str:
    """From the adapter to the motor drivers."""
    d = Drawing(
        1340,
        700,
        "1  Motor supply: everything that must agree before a motor can turn",
        "Adapter, fuse, button contact, thermal cut-offs, P-MOSFET, drivers; a 74HC123 holds the MOSFET on.",
    )
    d.box(30, 80, (120, 64), "Adapter", "12 V DC, 2 A", "class II, SELV")
    d.box(190, 80, (90, 64), "F1", "fuse", "T 2 A")
    d.box(400, 80, (130, 64), "S1a", "button, contact 1", "normally closed")
    d.box(570, 80, (110, 64), "TCO1", "72 °C, left pad", "one-shot")
    d.box(720, 80, (110, 64), "TCO2", "72 °C, right pad", "one-shot")
    d.box(880, 80, (120, 64), "Q1  IRF4905", "P-MOSFET", "source → drain")
    d.box(1200, 80, (110, 64), "Drivers", "VIN of all four", "carriers")
    for start, end in ((150, 190), (280, 400), (530, 570), (680, 720), (830, 880), (1000, 1200)):
        d.wire(POWER, (start, 112), (end, 112))
    d.words(288, 104, "12V")
    d.words(1060, 104, "VM", "m")
    d.words(30, 168, "The adapter's minus is the ground of everything.", "n")
    d.dot(330, 112, POWER)
    d.wire(POWER, (330, 112), (330, 230))
    d.box(250, 230, (160, 64), "Buck 12 V → 5 V", "0.5 A or more", "other pins: open")
    d.wire(SUPPLY, (330, 294), (330, 330))
    d.box(250, 330, (160, 46), "D1  1N5817", "stripe towards VSYS")
    d.wire(SUPPLY, (330, 376), (330, 410))
    d.words(330, 428, "Pico VSYS (pin 39)", "m")
    d.dot(330, 180, POWER)
    d.wire(SENSE, (330, 180), (180, 180), (180, 200))
    d.box(130, 200, (100, 46), "R1  68 kΩ")
    d.wire(SENSE, (180, 246), (180, 300))
    d.dot(180, 272, SENSE)
    d.wire(SENSE, (180, 272), (110, 272))
    d.words(104, 276, "mux Y7", "e")
    d.box(130, 300, (100, 46), "R2  10 kΩ", "∥ 100 nF")
    d.wire(INK, (180, 346), (180, 366))
    d.ground(180, 366)

    d.dot(1095, 112, POWER)
    d.wire(POWER, (1095, 112), (1095, 190))
    d.wire(POWER, (995, 190), (1295, 190))
    d.dot(1095, 190, POWER)
    d.dot(1195, 190, POWER)
    for x, name, value in (
        (950, "R5  68 kΩ", ""),
        (1050, "C1 220 µF", "25 V, + at VM"),
        (1150, "R4  470 Ω", "1 W"),
        (1250, "TVS", "stripe at VM"),
    ):
        width = 80 if x == 1250 else 90
        d.box(x, 220, (width, 46), name, value)
        d.wire(POWER, (x + 45, 190), (x + 45, 220))
        if x != 950:
            d.wire(INK, (x + 45, 266), (x + 45, 290))
            d.ground(x + 45, 290)
    d.wire(SENSE, (995, 266), (995, 330))
    d.dot(995, 298, SENSE)
    d.wire(SENSE, (995, 298), (1040, 298))
    d.words(1046, 318, "mux Y6")
    d.wire(SENSE, (1040, 298), (1040, 314))
    d.box(950, 330, (90, 46), "R6  10 kΩ", "∥ 100 nF")
    d.wire(INK, (995, 376), (995, 396))
    d.ground(995, 396)

    # The gate of Q1.
    d.dot(852, 112, POWER)
    d.wire(POWER, (852, 112), (852, 170), (740, 170), (740, 190))
    d.box(660, 190, (160, 46), "R3 10 kΩ ∥ DZ 15 V", "stripe at the source")
    d.wire(INK, (740, 236), (740, 262))
    d.dot(740, 262, INK)
    d.wire(INK, (740, 262), (910, 262), (910, 144))
    d.words(916, 162, "gate")
    d.wire(INK, (740, 262), (740, 410))
    d.box(660, 410, (160, 64), "Q2  BC337", "collector: gate of Q1", "emitter: ground")
    d.wire(INK, (740, 474), (740, 492))
    d.ground(740, 492)
    d.wire(SIGNAL, (660, 442), (610, 442))
    d.box(500, 420, (110, 46), "R7  4.7 kΩ", "to the base")
    d.dot(636, 442, SIGNAL)
    d.wire(SIGNAL, (636, 442), (636, 500))
    d.box(588, 500, (96, 46), "R8  10 kΩ", "base to ground")
    d.wire(SIGNAL, (500, 442), (480, 442))
    d.box(290, 470, (170, 214), "U1  74HC123", "one half; 3.3 V")
    d.wire(SIGNAL, (480, 442), (480, 530), (460, 530))
    d.words(452, 534, "13  1Q", "e")
    d.pins(
        "left",
        290,
        530,
        [
            ("1  1A", "ground", INK),
            ("2  1B", "GP11, and R9 10 kΩ to ground", SIGNAL),
            ("3  1CLR", "GP10, and R10 10 kΩ to ground", SIGNAL),
            ("8  GND", "ground", INK),
            ("16  VCC", "3V3, and 100 nF to ground", SUPPLY),
        ],
    )
    d.pins(
        "right",
        460,
        590,
        [
            ("14  1Cext", "C2 1 µF film, to pin 15", INK),
            ("15  1RCext", "R11 620 kΩ to 3V3", INK),
            ("9, 10, 11", "ground (the other half)", INK),
            ("4 to 7, 12", "open", INK),
        ],
    )
    d.words(
        700,
        620,
        "Closed only while GP10 is high and GP11 has had an edge in the last 350 ms,",
        "n",
    )
    d.words(700, 638, "the button is not pressed, no pad has been hot, and the fuse is whole.", "n")
    d.words(
        700, 656, "At reset every pin floats: the resistors to ground hold everything off.", "n"
    )
    return d.svg()


def signals() -> str:
    """Everything that is joined to the Pico."""
    d = Drawing(
        1240,
        900,
        "2  Signals: Pico W, drivers, multiplexer, button",
        "Pin by pin: which GP number goes to which input.",
    )
    d.box(480, 70, (280, 560), "Raspberry Pi Pico W", "GP numbers, then pin numbers")
    d.pins(
        "left",
        480,
        130,
        [
            ("GP12 (16)", "S1b: button, contact 2, normally closed, to ground", SIGNAL),
            ("GP13 (17)", "S1c: button, contact 3, normally open, to ground", SIGNAL),
            ("GP10 (14)", "U1 74HC123 pin 3, CLR; 10 kΩ to ground", SIGNAL),
            ("GP11 (15)", "U1 74HC123 pin 2, B; 10 kΩ to ground", SIGNAL),
            ("GP15 (20)", "1 kΩ, then the LED's long leg; short leg to ground", SIGNAL),
            ("GP16 (21)", "U2 74HC4051 pin 11, S0", SIGNAL),
            ("GP17 (22)", "U2 74HC4051 pin 10, S1", SIGNAL),
            ("GP18 (24)", "U2 74HC4051 pin 9, S2", SIGNAL),
            ("GP26 (31)", "U2 74HC4051 pin 3, Z", SENSE),
            ("3V3 (36)", "U1, U2, thermistors' resistors", SUPPLY),
            ("AGND (33)", "the other leg of both thermistors, and their 100 nF", INK),
            ("VSYS (39)", "D1, from the 5 V buck", SUPPLY),
            ("GND (38)", "ground of everything", INK),
        ],
        36,
    )
    d.pins(
        "right",
        760,
        130,
        [
            ("GP8 (11)", "SLEEP of all four drivers; 10 kΩ to ground", SIGNAL),
            ("GP2 (4)", "EN of the driver: vibration, left; 10 kΩ to ground", SIGNAL),
            ("GP3 (5)", "EN of the driver: vibration, right; 10 kΩ to ground", SIGNAL),
            ("GP4 (6)", "EN of the driver: kneading, left; 10 kΩ to ground", SIGNAL),
            ("GP5 (7)", "PH of the driver: kneading, left", SIGNAL),
            ("GP6 (9)", "EN of the driver: kneading, right; 10 kΩ to ground", SIGNAL),
            ("GP7 (10)", "PH of the driver: kneading, right", SIGNAL),
        ],
        36,
    )
    d.box(830, 410, (396, 220), "Each driver: DRV8876 carrier", "four of them, alike")
    for number, line in enumerate(
        (
            "VIN: VM of drawing 1 · GND: ground · its own VM: open",
            "OUT1, OUT2: the motor",
            "PMODE: ground (inputs are PH and EN)",
            "SLEEP: GP8 · FAULT: open",
            "EN (IN1): its pin · PH (IN2): its pin, or ground (vibration)",
            "CS: 1 kΩ to its Y input, there 100 nF to ground",
            "VREF, IMODE: open (it limits at 2 A as delivered)",
        )
    ):
        d.words(846, 472 + 22 * number, line)
    d.box(300, 670, (320, 210), "U2  74HC4051", "pin 16: 3V3, 100 nF to ground · 6, 7, 8: ground")
    d.pins(
        "left",
        300,
        724,
        [
            ("Y0 (13)", "CS of the driver: vibration, left", SENSE),
            ("Y1 (14)", "CS of the driver: vibration, right", SENSE),
            ("Y2 (15)", "CS of the driver: kneading, left", SENSE),
            ("Y3 (12)", "CS of the driver: kneading, right", SENSE),
        ],
        36,
    )
    d.pins(
        "right",
        620,
        724,
        [
            ("Y4 (1)", "pad: NTC 10 kΩ to AGND, 10 kΩ to 3V3, 100 nF to AGND", SENSE),
            ("Y5 (5)", "motor: NTC 10 kΩ to AGND, 10 kΩ to 3V3, 100 nF to AGND", SENSE),
            ("Y6 (2)", "VM: between R5 68 kΩ and R6 10 kΩ of drawing 1", SENSE),
            ("Y7 (4)", "12V: between R1 68 kΩ and R2 10 kΩ of drawing 1", SENSE),
        ],
        36,
    )
    return d.svg()


def main() -> int:
    """Write both."""
    folder = Path(sys.argv[1])
    (folder / "wiring-power.svg").write_text(power(), encoding="utf-8")
    (folder / "wiring-signals.svg").write_text(signals(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
