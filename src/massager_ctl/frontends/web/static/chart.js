// Curves as a few SVG lines: each pair of zones has its own colour and its own dashes.
import { h, put } from "./dom.js";
import { PAIRS } from "./now.js";
import { texts } from "./texts.js";

const W = innerWidth < 700 ? 380 : 900;
const H = innerWidth < 700 ? 220 : 260;
const LEFT = 30;
const BOTTOM = 22;

const line = (points, x, y) => points.map(([t, p]) => `${x(t).toFixed(1)},${y(p).toFixed(1)}`).join(" ");

/** The highest curve of a plan's pair. @param {string} pair @returns {number[][]} */
const curve = (plan, pair) => plan?.zones[`${pair}_left`] ?? plan?.zones[`${pair}_right`] ?? [];

/** A profile's picture, small. @param {number} [cap] */
export function sketch(plan, cap = 40) {
	const top = Math.max(10, cap, ...PAIRS.flatMap((pair) => curve(plan, pair).map(([, p]) => p)));
	const x = (t) => (t / plan.duration_s) * 300;
	const y = (p) => 78 - (p / top) * 74;
	return h("svg:svg", { viewBox: "0 0 300 80", class: "sketch", "aria-hidden": "true", preserveAspectRatio: "none" },
		h("svg:line", { x1: 0, x2: 300, y1: 78, y2: 78, class: "axis" }),
		...PAIRS.map((pair) => h("svg:polyline", { class: `line ${pair}`, points: line(curve(plan, pair), x, y) })));
}

/** The live chart: what was, what is planned, the limit that grows. */
export class Chart {
	constructor() {
		/** @type {any} */ this.plan = null;
		this.was = new Map();
		this.key = "";
		this.grid = h("svg:g", {});
		this.limit = h("svg:polyline", { class: "limit" });
		this.now = h("svg:line", { class: "now", y1: 0, y2: H - BOTTOM });
		/** @type {any} */ this.plans = {};
		/** @type {any} */ this.lines = {};
		for (const pair of PAIRS) {
			this.plans[pair] = h("svg:polyline", { class: `plan ${pair}` });
			this.lines[pair] = h("svg:polyline", { class: `line ${pair}` });
		}
		this.node = h("svg:svg", { viewBox: `0 0 ${W} ${H}`, class: "chart", role: "img", "aria-label": texts.chart.label },
			this.grid, this.limit, ...Object.values(this.plans), ...Object.values(this.lines), this.now);
	}

	update(status) {
		const t = status.elapsed_s;
		const duration = Math.max(60, status.duration_s);
		const cap = Math.max(1, ...Object.values(status.caps));
		const top = Math.min(70, Math.ceil((cap + 5) / 10) * 10);
		const x = (s) => LEFT + (s / duration) * (W - LEFT - 4);
		const y = (p) => H - BOTTOM - (Math.min(p, top) / top) * (H - BOTTOM - 8);
		const key = `${status.profile}/${duration}/${top}/${this.plan?.hash ?? ""}`;
		if (key !== this.key) {
			if (this.key.split("/")[0] !== status.profile) this.was.clear();
			this.key = key;
			this.draw(duration, top, cap, x, y, status);
		}
		for (const pair of PAIRS) {
			const level = Math.max(status.actual[`${pair}_left`], status.actual[`${pair}_right`]);
			const points = this.was.get(pair) ?? [];
			if (t < points.at(-1)?.[0] - 2) points.length = 0;
			if (!(t - points.at(-1)?.[0] <= duration / 400)) points.push([t, level]);
			this.was.set(pair, points);
			put(this.lines[pair], "points", line(points.concat([[t, level]]), x, y));
		}
		put(this.now, "x1", String(x(t)));
		put(this.now, "x2", String(x(t)));
	}

	draw(duration, top, cap, x, y, status) {
		const step = duration > 1200 ? 300 : duration > 500 ? 120 : 60;
		const parts = [];
		for (let t = 0; t <= duration; t += step) {
			parts.push(h("svg:text", { x: x(t), y: H - 6, "text-anchor": t === 0 ? "start" : t > duration - step / 2 ? "end" : "middle" }, `${t / 60}′`));
		}
		for (let p = 0; p <= top; p += top > 40 ? 20 : 10) {
			parts.push(h("svg:text", { x: LEFT - 6, y: y(p) + 4, "text-anchor": "end" }, String(p)), h("svg:line", { class: "axis", x1: LEFT, x2: W - 4, y1: y(p), y2: y(p) }));
		}
		this.grid.replaceChildren(...parts);
		const ramp = this.plan?.ramp_s ?? 300;
		put(this.limit, "points", line([[0, Math.min(10, cap)], [60, Math.min(10, cap)], [Math.max(61, ramp), cap], [duration, cap]], x, y));
		for (const pair of PAIRS) {
			const most = status.caps[`${pair}_left`];
			put(this.plans[pair], "points", line(curve(this.plan, pair).map(([t, p]) => [t, Math.min(p, most)]), x, y));
		}
	}
}
