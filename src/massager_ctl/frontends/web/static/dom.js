// Elements without a framework: made once, then only what changed is written.

const SVG = "http://www.w3.org/2000/svg";

/**
 * @param {string} tag
 * @param {Record<string, any>} [props] attributes; `on…` are listeners
 * @param {...(Node|string|null|undefined)} inner
 * @returns {any}
 */
export function h(tag, props = {}, ...inner) {
	const svg = tag.startsWith("svg:");
	const made = svg ? document.createElementNS(SVG, tag.slice(4)) : document.createElement(tag);
	for (const [name, value] of Object.entries(props)) {
		if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
		else if (value === true) made.setAttribute(name, "");
		else if (value !== false && value != null) made.setAttribute(name, String(value));
	}
	made.append(...inner.filter((one) => one != null).map((one) => /** @type {Node|string} */ (one)));
	return made;
}

/** @param {string} text @param {() => void} press @param {string} [kind] @param {object} [more] @returns {any} */
export const button = (text, press, kind, more) => h("button", { type: "button", class: kind, onclick: press, ...more }, text);

/** @param {...any} inner @returns {any} */
export const card = (...inner) => h("section", { class: "card" }, ...inner);

/** @param {...any} inner @returns {any} */
export const row = (...inner) => h("p", { class: "row" }, ...inner);

/** @param {string} kind @param {string} [text] @returns {any} */
export const p = (kind, text = "") => h("p", { class: kind }, text);

/** The head of a table. @param {string[]} names */
export const head = (...names) => h("thead", {}, h("tr", {}, ...names.map((name) => h("th", { scope: "col" }, name))));

export function write(at, text) {
	if (at.textContent !== text) at.textContent = text;
}

export function put(at, name, value) {
	if (value === false || value === null) at.removeAttribute(name);
	else if (at.getAttribute(name) !== (value === true ? "" : value)) at.setAttribute(name, value === true ? "" : value);
}

export const show = (at, there) => put(at, "hidden", !there);

const said = () => /** @type {HTMLElement} */ (document.getElementById("say"));

/** Tell a screen reader, politely. @param {string} text */
export const say = (text) => write(said(), text);

/** A view of the page. */
export class View extends HTMLElement {
	/** What is to be shown now. */
	update(_picture) {}
}
