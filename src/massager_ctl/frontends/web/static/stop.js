// STOP. It needs no session, no websocket and nothing of the rest of the page; the form works without this as well.
// It acts on the press itself, not on the release (WCAG 2.5.2: the down-event is essential here).
import { texts } from "./texts.js";

const TRIES = 3;
const TRY_MS = 800;
const AGAIN_MS = 200;
const line = /** @type {HTMLElement} */ (document.getElementById("stopped"));
/** @type {HTMLFormElement[]} */
export const forms = [...document.querySelectorAll("form[data-device]")].map((one) => /** @type {any} */ (one));
/** Each device's newest stop. */
const ends = new Map();

/** The worst first, by its name: what one device confirmed hides nothing of another. */
function show() {
	const all = [...ends].sort(([, a], [, b]) => (a.state < b.state ? 1 : -1));
	line.dataset.state = all[0]?.[1].state ?? "";
	line.textContent = all.map(([device, { state }]) => texts.stop[state](device)).join(" ");
}

/** It runs: what was confirmed before says nothing. @param {string} device */
export function forget(device) {
	const end = ends.get(device);
	if (end?.state !== "confirmed" || performance.now() - end.at < 1000) return;
	ends.delete(device);
	show();
}

/** Sound and shaking: this one must not be missed. */
export function alarm() {
	navigator.vibrate?.([400, 150, 400, 150, 400]);
	try {
		const context = new AudioContext();
		const tone = context.createOscillator();
		tone.type = "square";
		tone.frequency.value = 740;
		tone.connect(context.destination);
		tone.start();
		tone.stop(context.currentTime + 0.8);
		tone.onended = () => void context.close();
	} catch { /* the words and the colour stay */ }
}

/** @param {string} url @returns {Promise<"confirmed"|"unconfirmed"|"unheard">} */
async function once(url) {
	try {
		const answer = await fetch(url, /** @type {any} */ ({
			method: "POST", keepalive: true, priority: "high", cache: "no-store",
			headers: { accept: "application/json" }, signal: /** @type {any} */ (AbortSignal).timeout(TRY_MS),
		}));
		if (answer.ok) return (await answer.json()).confirmed === true ? "confirmed" : "unconfirmed";
		return answer.status === 504 ? "unconfirmed" : "unheard";
	} catch {
		return "unheard";
	}
}

/** Stop that device; every press is sent. @param {HTMLFormElement} form */
export async function stop(form) {
	const device = form.dataset.device ?? "";
	const mine = { state: "sent", at: 0 };
	ends.set(device, mine);
	show();
	navigator.vibrate?.(60);
	let end = "";
	for (let attempt = 0; attempt < TRIES; attempt++) {
		if (attempt) await new Promise((go) => setTimeout(go, AGAIN_MS));
		end = await once(form.action);
		if (end !== "unheard") break;
	}
	if (ends.get(device) !== mine) return; // pressed again
	mine.state = end === "confirmed" ? end : "unconfirmed";
	mine.at = performance.now();
	show();
	if (mine.state === "unconfirmed") alarm();
}

/** Whether this element takes the space bar for itself. @param {EventTarget|null} at */
function takesSpace(at) {
	return at instanceof HTMLElement && at.matches(
		"button, select, textarea, summary, a[href], input:not([type=range])",
	) && !at.closest("form[data-device]");
}

let pressed = 0;
for (const form of forms) {
	form.addEventListener("pointerdown", (event) => {
		if (event.button !== 0) return;
		pressed = event.timeStamp;
		void stop(form);
	});
	form.addEventListener("submit", (event) => {
		event.preventDefault();
		// The release that belongs to a press is that press; a form sent by other means is a stop of its own.
		if (event.timeStamp - pressed > 700) void stop(form);
	});
}
addEventListener("keydown", (event) => {
	if (event.key === "Escape" || (event.key === " " && !takesSpace(event.target))) {
		event.preventDefault();
		if (!event.repeat) for (const form of forms) void stop(form);
	}
}, { capture: true });
