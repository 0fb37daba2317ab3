// What can be played, what it needs, and why it may not start.
import { sketch } from "./chart.js";
import { View, button, card, h, p, put, row, show, write } from "./dom.js";
import { ask, device, get } from "./link.js";
import { PAIRS, inSession, notice } from "./now.js";
import { texts } from "./texts.js";

/** What a start would get now, as a card above the choice. */
export class Prospect {
	constructor() {
		this.ready = p("ready");
		this.refusal = p("refusal");
		this.dose = p("dose");
		this.notes = h("ul");
		this.node = card(this.refusal, this.ready, this.dose, this.notes);
		this.key = "";
	}

	/** Whether a start may be pressed. */
	update(picture) {
		const { status, ready_for_s: left } = picture;
		const key = `${device}/${inSession(status)}/${status.link}/${status.telemetry?.state}/${left > 0}`;
		if (key !== this.key) {
			this.key = key;
			void this.look();
		}
		const refused = Boolean(this.found?.refusal);
		show(this.refusal, refused);
		show(this.ready, !refused);
		put(this.ready, "data-ready", left > 0 ? "yes" : "no");
		write(this.ready, left > 0 ? texts.start.ready(left) : texts.start.notready);
		return !refused && left > 0;
	}

	async look() {
		try {
			this.found = (await get(`/v1/devices/${device}`)).prospect;
		} catch {
			return;
		}
		const { refusal, dose_left_s: left, notes } = this.found;
		write(this.refusal, refusal ? [refusal.detail, refusal.remedy].filter(Boolean).join(". ") : "");
		show(this.dose, left !== null);
		if (left !== null) write(this.dose, texts.start.dose(left));
		this.notes.replaceChildren(...notes.map((text) => h("li", {}, text)));
	}
}

class StartView extends View {
	connectedCallback() {
		this.prospect = new Prospect();
		this.note = notice();
		this.list = h("div", { class: "profiles" }, h("p", {}, texts.start.loading));
		/** @type {any[]} */ this.go = [];
		this.append(this.prospect.node, this.note.node, this.list);
		void this.load();
	}

	async load() {
		const { profiles } = await get("/v1/profiles?limit=200");
		this.list.replaceChildren(...profiles.filter((one) => !one.error).map((one) => this.one(one)));
	}

	one(profile) {
		const body = h("div", { class: "body" });
		const all = h("details", { class: "card profile", name: "profile", ontoggle: () => all.open && body.childElementCount === 0 && void this.open(profile, body) },
			h("summary", {}, h("span", { class: "name" }, profile.title), h("span", { class: "long" }, texts.start.minutes(profile.duration_s)),
				h("span", { class: "tags" }, profile.tags.join(" · "))), body);
		return all;
	}

	async open(profile, body) {
		const t = texts.start;
		let plan;
		try {
			plan = await get(`/v1/profiles/${profile.id}?device=${device}`);
		} catch (error) {
			body.append(p("refusal", /** @type {any} */ (error).message));
			return;
		}
		const go = button(`${t.go}: ${profile.title}`, () => void this.start(profile.id, go), "main");
		this.go.push(go);
		const powered = Object.keys(plan.zones).length > 0;
		body.append(p("", profile.summary), powered ? sketch(plan, plan.cap) : p("", t.hands));
		if (powered) {
			body.append(h("p", { class: "keys" }, ...PAIRS.filter((pair) => plan.zones[`${pair}_left`] || plan.zones[`${pair}_right`])
				.map((pair) => h("span", {}, h("span", { class: `key ${pair}` }), `${texts.zones[pair]} ${t.cap} ${texts.percent(Math.max(plan.caps[`${pair}_left`] ?? 0, plan.caps[`${pair}_right`] ?? 0))}`))));
		}
		if (plan.notes.length) body.append(h("p", {}, h("b", {}, `${t.lowered}: `), plan.notes.join("; ")));
		const steps = plan.guided.filter((one) => one.text);
		if (steps.length) {
			body.append(h("details", {}, h("summary", {}, t.steps), h("ol", {}, ...steps.map((one) => h("li", {}, `${texts.clock(one.t)} ${one.text}`)))));
		}
		if (plan.not_for.length) body.append(h("p", { class: "help" }, h("b", {}, `${t.notfor}: `), plan.not_for.join("; ")));
		body.append(row(go));
	}

	async start(profile, button) {
		button.setAttribute("aria-busy", "true");
		const answer = await ask("start", { profile });
		button.removeAttribute("aria-busy");
		this.note.heed(answer);
		if (answer.ok) location.hash = "#now";
	}

	update(picture) {
		const may = this.prospect.update(picture);
		for (const button of this.go) put(button, "disabled", !may);
	}
}
customElements.define("start-view", StartView);
