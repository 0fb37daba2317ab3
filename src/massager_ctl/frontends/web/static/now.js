// What plays now, and what can be done about it.
import { View, button, card, h, head, p, row, say, show, write } from "./dom.js";
import { ask, device, get, page } from "./link.js";
import { forms, stop } from "./stop.js";
import { texts } from "./texts.js";

export const PAIRS = /** @type {const} */ (["trapezius", "neck", "suboccipital"]);
export const SIDES = /** @type {const} */ (["left", "right"]);
const LIVE = ["arming", "running", "paused", "fading", "stopping"];

/** Whether a session is open. */
export const inSession = (status) => LIVE.includes(status.phase);

/** A line for what was refused. */
export function notice() {
	const node = h("p", { class: "notice", role: "status", hidden: true });
	const tell = (text) => { write(node, text); show(node, Boolean(text)); };
	return { node, tell, heed: ({ ok, text }) => tell(ok ? "" : text) };
}

class NowView extends View {
	connectedCallback() {
		const t = texts.now;
		this.idle = card(h("h2", {}, t.idle), p("last"), row(
			h("a", { class: "button main", href: "#start" }, t.choose), h("a", { class: "button", href: "#hand" }, t.hand)));
		show(this.idle, false);
		this.append(this.idle);
	}

	/** What a session needs, made when there is one: most pages open at rest. */
	open() {
		const t = texts.now;
		this.note = notice();
		/** @param {string} name @param {string} text @param {string} [kind] */
		const press = (name, text, kind) => button(text, () => void this.press(name), kind);
		this.rows = h("tbody");
		this.heading = h("h2");
		this.step = p("step");
		this.time = p("time");
		this.bar = h("div", { class: "fill" });
		this.guided = h("div", { class: "guided card" }, p("cue"), p("prompt"), p("count"), p("next"));
		this.buttons = { pause: press("pause", t.pause), resume: press("resume", t.resume, "main"), ease: press("ease", t.ease), undo: press("undo", t.undo), fade: press("fade", t.fade) };
		const curves = h("section", { class: "card wide" }, h("details", {}, h("summary", {}, t.table),
			h("table", {}, head(t.zone, t.at, t.target, t.allowed, t.cap), this.rows)));
		void import("./chart.js").then(({ Chart }) => curves.prepend((this.chart = new Chart()).node));
		this.zones = new Map();
		const pairs = PAIRS.map((pair) => h("section", { class: `pair ${pair}` }, h("h3", {}, h("span", { class: `key ${pair}` }), texts.zones[pair]),
			...SIDES.map((side) => this.zone(`${pair}_${side}`, texts.sides[side]))));
		this.why = h("ul");
		this.whyCard = card(h("h3", {}, t.why), this.why);
		this.there = h("section", { class: "there card", role: "alert" }, h("h2", {}, t.there), h("p"), press("presence", t.here, "main"));
		this.keeper = h("div", { class: "keeper" }, h("p"), press("presence", t.over));
		this.live = h("div", { class: "live" },
			this.there,
			card(this.heading, this.step, this.time, h("div", { class: "progress" }, this.bar), this.guided, row(...Object.values(this.buttons)), this.note.node),
			card(...pairs),
			curves, this.whyCard, card(this.keeper, row(button(t.pain, () => void this.hurt(), "pain")), p("help", t.painhelp)));
		this.append(this.live);
	}

	zone(name, text) {
		const fill = h("div", { class: "fill" });
		const aim = h("div", { class: "aim" });
		const number = h("b");
		const row = h("div", { class: "zone" }, h("span", { class: "side" }, text), h("div", { class: "meter" }, fill, aim), number);
		this.zones.set(name, { fill, aim, number });
		return row;
	}

	async press(name) {
		this.note.heed(await ask(name));
	}

	async hurt() {
		for (const form of forms) if (form.dataset.device === device) void stop(form);
		const answer = await ask("pain");
		this.note.tell(answer.text || texts.now.paindone);
		say(answer.text);
	}

	update(picture) {
		const { status } = picture;
		const running = inSession(status);
		show(this.idle, !running);
		if (running && !this.live) this.open();
		if (this.live) show(this.live, running);
		if (!running) {
			const last = texts.ends[status.end_reason] ?? status.message;
			write(this.idle.children[1], status.end_reason ? last : "");
			return;
		}
		if (this.planned !== status.profile) this.fetchPlan(status.profile);
		write(this.heading, status.title);
		write(this.step, status.phase === "running" ? status.step : texts.phases[status.phase]);
		write(this.time, texts.clock(status.remaining_s));
		this.bar.style.width = `${Math.min(100, (100 * status.elapsed_s) / Math.max(1, status.duration_s))}%`;
		this.guide(status.guided, status.remaining_s);
		const paused = status.phase === "paused";
		show(this.buttons.pause, !paused);
		show(this.buttons.resume, paused);
		show(this.buttons.undo, status.eased > 0);
		const caps = Math.max(1, ...Object.values(status.caps));
		for (const [name, { fill, aim, number }] of this.zones) {
			fill.style.width = `${(100 * status.actual[name]) / caps}%`;
			aim.style.insetInlineStart = `${(100 * Math.min(status.target[name], status.caps[name])) / caps}%`;
			write(number, texts.percent(status.actual[name]));
		}
		if (this.chart) this.chart.plan = this.plan;
		this.chart?.update(status);
		this.explain(status);
		this.keep(picture);
	}

	guide(step, left) {
		show(this.guided, Boolean(step));
		if (!step) return;
		const [cue, prompt, count, next] = this.guided.children;
		write(cue, step.cue);
		write(prompt, step.text);
		write(count, left - step.remaining_s > 2 ? texts.clock(step.remaining_s) : "");
		write(next, step.following ? `${texts.now.next}: ${step.following}` : "");
	}

	explain(status) {
		const lines = [...status.notes, ...(status.eased ? [texts.now.eased(status.eased)] : [])];
		const key = lines.join("|");
		show(this.whyCard, lines.length > 0);
		if (key !== this.whyKey) {
			this.whyKey = key;
			this.why.replaceChildren(...lines.map((text) => h("li", {}, text)));
		}
		if (!this.rows.closest("details")?.open) return;
		this.rows.replaceChildren(...[...this.zones.keys()].map((name) => {
			const [pair, side] = name.split("_");
			return h("tr", {}, h("th", { scope: "row" }, `${texts.zones[pair]}, ${texts.sides[side]}`),
				...[status.actual, status.target, status.allowed, status.caps].map((levels) => h("td", {}, texts.percent(levels[name]))));
		}));
	}

	keep({ status, keeper }) {
		const asking = status.presence_due_in_s !== null && status.presence_due_in_s <= 30;
		show(this.there, asking);
		if (asking) write(this.there.children[1], texts.now.within(status.presence_due_in_s));
		const mine = keeper === page;
		const [line, button] = this.keeper.children;
		show(this.keeper, keeper !== null);
		write(line, mine ? texts.now.kept : keeper === "here" ? texts.now.machine : texts.now.other);
		show(button, keeper !== null && !mine && keeper !== "here");
	}

	async fetchPlan(name) {
		this.planned = name;
		this.plan = null;
		if (name === "manual") return;
		try {
			const plan = await get(`/v1/profiles/${encodeURIComponent(name)}`);
			if (this.planned === name) this.plan = plan;
		} catch { /* a personal profile: there is no plan to draw */ }
	}
}
customElements.define("now-view", NowView);
