// By hand: a slider a zone, with − and + beside it; what is aimed at is climbed to.
import { View, button, card, h, p, put, row, show, write } from "./dom.js";
import { ask, device } from "./link.js";
import { PAIRS, SIDES, inSession, notice } from "./now.js";
import { Prospect } from "./start.js";
import { texts } from "./texts.js";

const SPACING_MS = 150;
const HOLD_MS = 1200;

class HandView extends View {
	connectedCallback() {
		const t = texts.hand;
		this.prospect = new Prospect();
		this.note = notice();
		this.minutes = h("select", { id: "minutes" }, ...[5, 10, 15].map((one) => h("option", { value: one }, String(one))));
		this.minutes.value = "10";
		this.go = button(texts.start.go, () => void this.start(), "main");
		this.begin = card(h("h2", {}, t.title), row(h("label", { for: "minutes" }, t.minutes), this.minutes, this.go));
		this.other = card(p("", t.other));
		this.together = h("input", { type: "checkbox", id: "together", checked: true });
		/** @type {Map<string, any>} */ this.sliders = new Map();
		/** @type {Map<string, number>} */ this.pending = new Map();
		this.touched = -Infinity;
		const pairs = PAIRS.map((pair) => h("fieldset", { class: `pair ${pair}` }, h("legend", {}, h("span", { class: `key ${pair}` }), texts.zones[pair]), ...SIDES.map((side) => this.slider(pair, side))));
		const choice = (id, text, change) => {
			const select = h("select", { id, onchange: change });
			return { select, node: row(h("label", { for: id }, text), select) };
		};
		this.motion = choice("motion", t.motion, () => void this.turn());
		this.direction = choice("direction", t.direction, () => void this.turn());
		this.heat = h("div", { class: "row heat", role: "group", "aria-label": t.heat });
		this.live = h("div", {}, card(row(this.together, h("label", { for: "together" }, t.together)), ...pairs, this.note.node),
			card(this.motion.node, this.direction.node, h("h2", {}, t.heat), this.heat));
		this.append(this.prospect.node, this.begin, this.other, this.live);
	}

	slider(pair, side) {
		const name = `${pair}_${side}`;
		const t = texts.hand;
		const label = `${texts.zones[pair]}, ${texts.sides[side]}`;
		const range = h("input", { type: "range", min: 0, max: 40, step: 1, value: 0, "aria-label": label, oninput: () => this.aim(name, Number(range.value)) });
		const number = h("output");
		const hint = p("hint");
		const step = (by, text, sign) => button(sign, () => this.aim(name, Number(range.value) + by), "step-button", { "aria-label": `${label}: ${text}` });
		this.sliders.set(name, { range, number, hint });
		return h("div", { class: "slider" }, h("span", { class: "side" }, texts.sides[side]), step(-1, t.less, "−"), range, step(1, t.more, "+"), number, hint);
	}

	aim(name, wanted) {
		if (this.on !== device) this.pending.clear();
		this.on = device;
		const names = this.together.checked ? [name, name.endsWith("left") ? name.replace("left", "right") : name.replace("right", "left")] : [name];
		for (const one of names) {
			const { range } = this.sliders.get(one);
			const value = Math.min(Number(range.max), Math.max(0, wanted));
			range.value = String(value);
			write(this.sliders.get(one).number, texts.percent(value));
			this.pending.set(one, value);
		}
		this.touched = performance.now();
		this.timer ??= setTimeout(() => void this.send(), SPACING_MS);
	}

	async send() {
		const wanted = [...this.pending], { on } = this;
		this.pending.clear();
		let refused = "";
		for (const [zone, percent] of wanted) {
			const answer = await ask("set", { zone, percent }, on);
			refused ||= answer.ok ? "" : answer.text;
		}
		this.note.tell(refused);
		this.timer = this.pending.size ? setTimeout(() => void this.send(), SPACING_MS) : undefined;
	}

	async turn() {
		const motion = this.motion.select.value;
		const ways = this.waysOf(motion);
		const direction = ways.includes(this.direction.select.value) ? this.direction.select.value : ways[0];
		this.note.heed(await ask("motion", { motion, direction, zone: "all" }));
	}

	waysOf(motion) {
		return { knead: ["alternate", "cw", "ccw"], glide: ["up", "down"], circle: ["cw", "ccw"] }[motion] ?? ["none"];
	}

	/** Heat asks twice, without a dialog. @param {number|null} celsius */
	async warm(celsius, made) {
		if (celsius !== null && this.sure !== celsius) {
			this.sure = celsius;
			write(made, texts.hand.warm(celsius));
			setTimeout(() => { this.sure = undefined; write(made, `${celsius} °C`); }, 4000);
			return;
		}
		this.sure = undefined;
		this.note.heed(await ask("heat", { celsius }));
	}

	async start() {
		this.note.heed(await ask("start", { profile: null, duration_s: 60 * Number(this.minutes.value) }));
	}

	update(picture) {
		const { status } = picture;
		const running = inSession(status);
		const mine = running && status.profile === "manual";
		show(this.begin, !running);
		show(this.prospect.node, !running);
		show(this.other, running && !mine);
		show(this.live, mine);
		if (!running) put(this.go, "disabled", !this.prospect.update(picture));
		if (!mine) return;
		const still = performance.now() - this.touched > HOLD_MS;
		const held = new Map(status.held.map((one) => [one.zone, one]));
		for (const [name, { range, number, hint }] of this.sliders) {
			put(range, "max", String(Math.floor(status.caps[name])));
			if (still) {
				range.value = String(status.target[name]);
				write(number, texts.percent(status.target[name]));
			}
			const one = held.get(name);
			const wait = one && one.ready_in_s !== null ? `; ${texts.hand.your} ${texts.percent(one.wanted)} ${texts.hand.in} ${texts.clock(one.ready_in_s)}` : "";
			write(hint, `${texts.percent(status.actual[name])} ${texts.now.at}, ${texts.percent(status.allowed[name])} ${texts.hand.allowed}${wait}`);
		}
		this.offer(status);
	}

	offer(status) {
		const { info, sent } = status;
		if (!info || this.offered === info.serial + info.boot) return this.follow(sent);
		this.offered = info.serial + info.boot;
		const fill = (select, names, words) => select.replaceChildren(...names.map((name) => h("option", { value: name }, words[name] ?? name)));
		fill(this.motion.select, ["vibrate", "knead", "glide", "circle", "hold"].filter((one) => info.motions.includes(one)), texts.hand.motions);
		fill(this.direction.select, ["none", "alternate", "cw", "ccw", "up", "down"].filter((one) => info.directions.includes(one)), texts.hand.directions);
		this.heat.replaceChildren(...(info.heat ? [null, 35, 36, 37, 38, 39] : []).map((celsius) => {
			const made = button(celsius === null ? texts.hand.off : `${celsius} °C`, () => void this.warm(celsius, made), "", { "data-heat": celsius ?? "off" });
			return made;
		}));
		this.follow(sent);
	}

	follow(sent) {
		const [pattern] = sent.patterns;
		const at = document.activeElement;
		if (at !== this.motion.select) this.motion.select.value = pattern.motion;
		if (at !== this.direction.select) this.direction.select.value = pattern.direction;
		for (const one of this.heat.children) put(one, "aria-pressed", String(one.dataset.heat === String(sent.heat_c ?? "off")));
	}
}
customElements.define("hand-view", HandView);
