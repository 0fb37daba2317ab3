// The devices of this service: how each is, and what can be done about it at the machine.
import { View, button, card, h, p, put, row } from "./dom.js";
import { device, get, watch } from "./link.js";
import { texts } from "./texts.js";

class DevicesView extends View {
	connectedCallback() {
		this.list = h("div", { class: "grid" });
		this.append(this.list, p("help", texts.devices.scan));
		void this.load();
	}

	async load() {
		const { devices } = await get("/v1/devices?limit=200");
		this.list.replaceChildren(...devices.map((one) => this.card(one)));
	}

	card(one) {
		const t = texts.devices;
		const mine = one.id === device;
		/** @type {[string, string][]} */
		const facts = [
			[t.link, one.link === "up" ? texts.link.live : texts.link.device[one.link]],
			[t.serial, one.serial], [t.firmware, one.firmware],
			[t.power, one.mains ? t.mains : one.battery === null ? "–" : t.battery(one.battery)],
			[t.deadman, one.dead_man_s === null ? "–" : t.after(one.dead_man_s)],
			[t.senses, one.sensing.map((name) => name.replaceAll("_", " ")).join(", ") || "–"],
		];
		const choose = button(mine ? t.shown : t.choose, () => { watch(one.id); sessionStorage.setItem("device", one.id); void this.load(); });
		put(choose, "aria-pressed", String(mine));
		return card(h("h2", {}, one.id), p("help", one.address), one.simulated ? p("", t.simulated) : null,
			one.latched ? p("refusal", t.latched(one.cause)) : null,
			h("dl", {}, ...facts.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])), row(choose));
	}

	update({ status }) {
		const key = `${status.link}/${status.telemetry?.state}/${status.telemetry?.battery}`;
		if (this.key && key !== this.key) void this.load();
		this.key = key;
	}
}
customElements.define("devices-view", DevicesView);
