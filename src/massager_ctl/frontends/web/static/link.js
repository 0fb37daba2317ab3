// What comes from the service and what is asked of it: a websocket for pictures, a plain POST for every request.
import { forms } from "./stop.js";
import { texts } from "./texts.js";

const ANSWER_MS = 350;
const STALE_MS = 1000;
const LOST_MS = 3000;
const within = (ms) => /** @type {any} */ (AbortSignal).timeout(ms);

/** The name of this page, so that the service knows who keeps a session going. */
export const page = [...crypto.getRandomValues(new Uint8Array(12))]
	.map((one) => one.toString(16).padStart(2, "0")).join("");

/** @type {any} */
export let picture = null;
/** @type {string} */
export let device = "";
export let state = "waiting";

/** @type {WebSocket|null} */
let socket = null;
let heard = -Infinity;
let answered = -Infinity;
let ahead = 0;
let best = 0;
let late = 0;
let lastT = 0;
let wait = 250;
/** @type {Set<() => void>} */
const listeners = new Set();

export const onNews = (listener) => void listeners.add(listener);
const tell = () => listeners.forEach((listener) => listener());

export function watch(name) {
	device = name;
	picture = null;
	socket?.close();
	open();
}

/** Watch what this tab showed before, or else the first device that the page has a STOP for. */
export function begin() {
	const names = forms.map((one) => one.dataset.device);
	const kept = names[1] && sessionStorage.getItem("device"); // reading it is slow
	watch(names.includes(kept) ? kept : names[0] ?? "");
}

function open() {
	if (!device) return;
	const address = new URL(`/v1/devices/${device}/watch?page=${page}`, location.href);
	address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
	const mine = (socket = new WebSocket(address));
	mine.binaryType = "arraybuffer";
	best = -Infinity;
	answered = -Infinity; // the first picture is answered at once: whoever sees it may press
	mine.onmessage = ({ data }) => {
		if (socket !== mine) return;
		picture = JSON.parse(new TextDecoder().decode(data));
		heard = performance.now();
		ahead = picture.time - heard / 1000;
		best = Math.max(best - 1e-4, ahead); // clocks drift apart
		late = (best - ahead) * 1000;
		if (late > LOST_MS) { mine.close(); open(); }
		wait = 250;
		if (heard - answered > ANSWER_MS) answer();
		judge();
		tell();
	};
	mine.onclose = () => {
		if (socket !== mine) return;
		socket = null;
		if (!picture) dispatchEvent(new Event("refused"));
		else fetch("/").catch(() => 0); // a restarted service lets it in again
		setTimeout(() => socket || open(), wait);
		wait = Math.min(2000, wait * 1.6);
	};
}

/** Say that this picture arrived, and whether the page is visible. */
function answer() {
	if (socket?.readyState !== WebSocket.OPEN || !picture) return;
	answered = performance.now();
	socket.send(JSON.stringify({ seq: picture.seq, here: document.visibilityState === "visible" }));
}

function judge() {
	const age = performance.now() - heard + late;
	const now = age > LOST_MS ? (heard < 0 ? "waiting" : "lost") : age > STALE_MS ? "stale" : "live";
	if (now === state) return;
	state = now;
	tell();
}

setInterval(judge, 200);
document.addEventListener("visibilitychange", answer);
for (const event of ["online", "pageshow", "focus"]) {
	addEventListener(event, () => socket || open());
}

// At once; with a code in the address it is paired first.
if (!location.hash.startsWith("#k=")) begin();

/** Unix seconds by the service's clock: it grows with every request. */
function time() {
	lastT = Math.max(performance.now() / 1000 + ahead, lastT + 0.001);
	return lastT;
}

const words = ({ detail, remedy }) => [detail, remedy].filter(Boolean).join(". ");

export async function get(path) {
	const answer = await fetch(path, { cache: "no-store", signal: within(8000) }).catch(() => { throw Error(texts.unreachable); });
	const found = await answer.json();
	if (!answer.ok) throw Object.assign(Error(words(found)), { problem: found });
	return found;
}

/**
 * Ask for something; the problem in words if it was not done.
 * @param {string} name @param {object} [body]
 * @returns {Promise<{ok: boolean, text: string}>}
 */
export async function ask(name, body = {}, on = device) {
	for (let again = 0; ; again++) {
		try {
			const answer = await fetch(`/v1/devices/${on}/${name}`, {
				method: "POST", headers: { "content-type": "application/json" },
				body: JSON.stringify({ ...body, n: on === device ? picture?.nonce : null, t: time(), page }),
				signal: within(5000),
			});
			const found = await answer.json();
			if (answer.ok) return { ok: true, text: found.said ?? "" };
			// Another page asked in the same moment: only the time has to be newer.
			if (found.why === "replayed" && again < 2) continue;
			return { ok: false, text: words(found) };
		} catch {
			return { ok: false, text: texts.unreachable };
		}
	}
}
