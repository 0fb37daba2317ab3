// A phone is let in by the code that the machine shows: from the address it opened, or typed or pasted.
import { View, h, p, row } from "./dom.js";
import { notice } from "./now.js";
import { texts } from "./texts.js";

class PairView extends View {
	connectedCallback() {
		const t = texts.pair;
		this.note = notice();
		this.code = h("input", { id: "code", autocomplete: "one-time-code", autocapitalize: "characters", spellcheck: "false", required: true });
		this.append(h("form", { class: "card", onsubmit: (event) => { event.preventDefault(); void this.pair(this.code.value); } },
			h("h2", {}, t.title), p("", t.help), row(h("label", { for: "code" }, t.code), this.code), row(h("button", { class: "main" }, t.go)), this.note.node));
		const given = this.getAttribute("code");
		if (given) void this.pair(given);
	}

	async pair(code) {
		this.note.tell(texts.pair.working);
		try {
			const answer = await fetch("/v1/pair", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ code }) });
			const found = await answer.json();
			if (answer.ok) this.dispatchEvent(new CustomEvent("paired", { bubbles: true }));
			else this.note.tell(`${found.detail}. ${found.remedy ?? ""}`);
		} catch {
			this.note.tell(texts.unreachable);
		}
	}
}
customElements.define("pair-view", PairView);
