"""The same page as NiceGUI makes it: six levels at 10 Hz and a STOP that the server confirms."""

from __future__ import annotations

import socket
import sys
from importlib import import_module
from typing import Any

from bench.processes import ready


def main() -> None:
    nicegui: Any = import_module("nicegui")
    app, ui = nicegui.app, nicegui.ui
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    del sys.argv[1:]
    state = {"t": 0.0, "stopped": 0}

    @ui.page("/")
    def page() -> None:
        labels: list[Any] = [ui.label("…") for _ in range(6)]
        live = ui.label("waiting").props("id=live")
        done = ui.label("").props("id=done")

        def tick() -> None:
            state["t"] += 0.1
            for label in labels:
                label.text = f"{state['t']:.1f} %"
            live.text = "live"

        def stop() -> None:
            state["stopped"] += 1
            done.text = f"stopped {state['stopped']}."

        ui.timer(0.1, tick)
        ui.button("STOP", on_click=stop).props("id=stop")

    app.on_startup(lambda: ready(str(port)))
    ui.run(host="127.0.0.1", port=port, show=False, reload=False, show_welcome_message=False)


if __name__ in {"__main__", "__mp_main__"}:
    main()
