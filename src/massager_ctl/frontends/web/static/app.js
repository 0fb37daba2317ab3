// The page: which view is shown, how the link is, and what must not be missed.
import "./now.js";
import { button, h, put, say, show, write } from "./dom.js";
import { begin, device, get, onNews, picture, state } from "./link.js";
import { inSession } from "./now.js";
import { alarm, forget } from "./stop.js";
import { texts } from "./texts.js";

const at = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
const [view, tabs, alarms] = [at("view"), at("tabs"), at("alarms")];
const LATER = { start: "./start.js", hand: "./hand.js", history: "./history.js", devices: "./devices.js" };

/** @type {import("./dom.js").View|null} */
let shown = null;
let name = "";

for (const [id, text] of Object.entries(texts.tabs)) tabs.append(h("a", { href: `#${id}` }, text));

async function go() {
	const wanted = location.hash.slice(1);
	const next = wanted in texts.tabs ? wanted : "now";
	if (next === name) return;
	name = next;
	if (name in LATER) await import(LATER[name]);
	if (name !== next) return;
	if (shown) scrollTo(0, 0);
	shown = /** @type {any} */ (document.createElement(`${name}-view`));
	view.replaceChildren(/** @type {any} */ (shown));
	for (const tab of tabs.children) put(tab, "aria-current", tab.getAttribute("href") === `#${name}` ? "page" : null);
	news();
}

let phase = "";
function news() {
	const link = picture?.status.link;
	const up = link === "up" || !picture;
	write(at("link-text"), state === "live" && !up ? texts.link.device[link] : texts.link[state]);
	put(at("link"), "data-state", state === "live" && !up ? "lost" : state);
	put(document.body, "data-state", state);
	sound();
	if (!picture) return;
	const { status } = picture;
	write(at("device"), picture.device);
	const battery = status.telemetry?.battery ?? null;
	show(at("battery"), battery !== null);
	if (battery !== null) write(at("battery"), texts.battery(battery));
	if (status.phase !== phase) {
		if (phase) say(`${picture.device}: ${texts.phases[status.phase]}. ${status.title}`);
		if (inSession(status) && !phase) location.hash ||= "#now";
		phase = status.phase;
		void awake(inSession(status));
	}
	if (phase === "running") forget(picture.device);
	shown?.update(picture);
}

/** @type {any} */
let lock = null;
/** A phone that locks is gone (R18): keep it awake as long as something runs, if that is allowed. @param {boolean} wanted */
async function awake(wanted) {
	try {
		if (wanted && !lock && document.visibilityState === "visible") {
			lock = await /** @type {any} */ (navigator).wakeLock.request("screen");
			lock.onrelease = () => (lock = null);
		} else if (!wanted) await lock?.release();
	} catch { /* not here: the page says what happens when the phone locks */ }
}
document.addEventListener("visibilitychange", () => void awake(Boolean(picture && inSession(picture.status))));

/** @type {Set<string>} */
let seen = new Set();
let told = seen;
/** What must not be missed, until it is over or has been seen. */
function sound() {
	const telemetry = picture?.status.telemetry;
	const lines = new Map();
	const add = (text, at = "") => lines.set(`${device}|${at}|${text}`, text);
	if (picture?.alarm) add(picture.alarm.text, picture.alarm.at);
	if (telemetry && ["latched", "fault"].includes(telemetry.state)) add(texts.devices.latched(telemetry.cause));
	if (state === "lost" && inSession(picture?.status ?? { phase: "" })) add(texts.alarm.link);
	seen = new Set([...seen].filter((one) => lines.has(one)));
	const left = [...lines.keys()].filter((one) => !seen.has(one));
	const fresh = left.some((one) => !told.has(one));
	if (!fresh && left.length === told.size) return;
	if (fresh) alarm();
	told = new Set(left);
	alarms.replaceChildren(...left.map((one) => h("p", {}, h("span", {}, lines.get(one)), button(texts.alarm.seen, () => { seen.add(one); sound(); }))));
}

/** @param {string} code */
async function pair(code) {
	if (name === "pair") return;
	name = "pair";
	shown = null;
	await import("./pair.js");
	view.replaceChildren(h("pair-view", { code }));
	view.addEventListener("paired", () => { name = ""; begin(); void go(); }, { once: true });
}

addEventListener("refused", () => void get("/v1/devices?limit=1").catch((error) => error.problem?.status === 401 && pair("")));
addEventListener("hashchange", () => name !== "pair" && void go());
onNews(news);
const code = /^#k=(.+)$/.exec(location.hash)?.[1];
if (code) {
	history.replaceState(null, "", "/");
	void pair(code);
} else {
	if (!device) begin();
	void go();
}
