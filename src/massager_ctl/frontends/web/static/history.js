// What was delivered: minutes a day against the 30-minute line, and every session.
import { View, button, h, head, row, write } from "./dom.js";
import { device, get } from "./link.js";
import { inSession, notice } from "./now.js";
import { texts } from "./texts.js";

const DAYS = 14;
const DAY_S = 86400;

const dayOf = (at) => new Date(at * 1000).toLocaleDateString(undefined, { day: "numeric", month: "short" });

class HistoryView extends View {
	connectedCallback() {
		const t = texts.history;
		this.note = notice();
		this.left = h("p");
		this.chart = h("div");
		this.rows = h("tbody");
		this.append(h("section", { class: "card wide" }, h("h2", {}, t.title), this.chart, this.left, this.note.node),
			h("section", { class: "card wide scroll", tabindex: 0, role: "region", "aria-label": t.what }, h("table", {}, head(t.when, t.what, t.long, t.end), this.rows)),
			row(button(t.export, () => this.export())));
		void this.load();
	}

	async load() {
		const t = texts.history;
		let found;
		try {
			found = await get(`/v1/history?limit=200&device=${device}`);
		} catch (error) {
			this.note.tell(/** @type {any} */ (error).message);
			return;
		}
		this.sessions = found.sessions;
		write(this.left, `${texts.start.dose(found.dose.left_s)}. ${t.left(found.dose.sessions_left)}.`);
		const pains = found.pain_reports.map(({ at, kind }) => ({ started_at: at, profile: t.pain, end_reason: kind ?? "", pain: true }));
		const lines = [...found.sessions, ...pains].sort((a, b) => b.started_at - a.started_at);
		this.rows.replaceChildren(...lines.map((one) => h("tr", {}, h("td", {}, new Date(one.started_at * 1000).toLocaleString(undefined, { dateStyle: "short", timeStyle: "short" })),
			h("td", {}, one.profile === "manual" ? t.manual : one.profile || one.kind), h("td", {}, one.pain ? "" : (one.charged_s / 60).toFixed(1)),
			h("td", { class: one.pain || one.end_reason === "pain" ? "hurt" : "" }, one.open ? "…" : one.end_reason.replaceAll("_", " ")))));
		if (!lines.length) this.rows.append(h("tr", {}, h("td", { colspan: 4 }, t.none)));
		this.draw();
	}

	draw() {
		const now = Date.now() / 1000;
		const days = Array.from({ length: DAYS }, (_, back) => now - (DAYS - 1 - back) * DAY_S);
		const sums = new Map();
		for (const one of this.sessions ?? []) sums.set(dayOf(one.started_at), (sums.get(dayOf(one.started_at)) ?? 0) + one.charged_s / 60);
		const most = Math.max(35, ...sums.values());
		const y = (m) => 150 - (m / most) * 140;
		const bars = days.flatMap((at, index) => {
			const sum = sums.get(dayOf(at)) ?? 0;
			const x = 30 + index * 43;
			const parts = [h("svg:rect", { class: "bar", x, y: y(sum), width: 30, height: Math.max(0, 150 - y(sum)), rx: 4 })];
			if (index % 3 === 1) parts.push(h("svg:text", { x: x + 15, y: 170, "text-anchor": "middle" }, dayOf(at)));
			if (sum) parts.push(h("svg:text", { x: x + 15, y: y(sum) - 4, "text-anchor": "middle" }, sum.toFixed(0)));
			return parts;
		});
		const label = `${texts.history.title}: ${days.map((at) => `${dayOf(at)} ${(sums.get(dayOf(at)) ?? 0).toFixed(0)}`).join(", ")}`;
		this.chart.replaceChildren(h("svg:svg", { viewBox: "0 0 640 180", class: "chart", role: "img", "aria-label": label }, h("svg:line", { class: "axis", x1: 26, x2: 636, y1: 150, y2: 150 }), ...bars,
			h("svg:line", { class: "limit", x1: 26, x2: 636, y1: y(30), y2: y(30) }), h("svg:text", { x: 30, y: y(30) - 5 }, texts.history.limit)));
	}

	export() {
		const lines = (this.sessions ?? []).map((one) => [new Date(one.started_at * 1000).toISOString(), one.device, one.profile, one.charged_s, one.end_reason].map((cell) => `"${String(cell).replaceAll('"', '""')}"`).join(","));
		const file = URL.createObjectURL(new Blob([["started_at,device,profile,charged_s,end_reason", ...lines].join("\r\n")], { type: "text/csv" }));
		h("a", { href: file, download: "sessions.csv" }).click();
		setTimeout(() => URL.revokeObjectURL(file), 1000);
	}

	update({ status }) {
		const key = `${device}/${inSession(status)}/${status.end_reason}`;
		if (this.key && key !== this.key) void this.load();
		this.key = key;
	}
}
customElements.define("history-view", HistoryView);
