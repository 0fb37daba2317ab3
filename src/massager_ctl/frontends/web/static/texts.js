// All words of the page, in one place: another language is another file like this one.

const minutes = (s) => {
	const whole = Math.max(0, Math.round(s));
	return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
};

export const texts = {
	clock: minutes,
	percent: (p) => `${p < 10 ? Math.round(p * 10) / 10 : Math.round(p)} %`,
	tabs: { now: "Now", start: "Start", hand: "By hand", history: "History", devices: "Devices" },
	zones: { trapezius: "Shoulders", neck: "Neck", suboccipital: "Base of skull" },
	sides: { left: "left", right: "right" },
	link: {
		waiting: "connecting",
		live: "live",
		stale: "no news for a moment",
		lost: "connection to the service lost",
		device: { closed: "device off", connecting: "looking for the device", lost: "device lost" },
	},
	battery: (p) => `battery ${p} %`,
	phases: {
		idle: "At rest", arming: "Starting", running: "Running", paused: "Paused",
		fading: "Fading out", stopping: "Stopping", ended: "At rest",
	},
	ends: {
		person: "You stopped it.", finished: "It ran to its end.", pain: "Stopped: pain was reported.",
	},
	now: {
		idle: "Nothing runs", choose: "Choose a session", hand: "Play by hand",
		pause: "Pause", resume: "Go on", ease: "A little less", undo: "Undo less", fade: "Fade out",
		pain: "It hurts", paindone: "Stopped.",
		painhelp: "Stops at once. Numbness, tingling, dizziness, trouble with speech or sight: seek medical care.",
		eased: (p) => `eased by ${p} points`,
		next: "Next",
		there: "Are you there?", here: "Yes, I am here",
		within: (s) => `Press within ${Math.round(s)} s, or it fades out.`,
		kept: "This page keeps the session. It fades out 4 s after the page is closed, hidden or the phone locked.",
		other: "Another page keeps this session.", machine: "A person at the machine keeps this session.",
		over: "Take over here", why: "Why it is lower", table: "As a table",
		at: "now", target: "aim", allowed: "allowed", cap: "cap", zone: "Zone",
	},
	chart: {
		label: "Level over time: what was, what is planned, and the limit that grows with time",
	},
	start: {
		dose: (s) => `${minutes(s)} left of today's 30 minutes`,
		ready: (s) => `Ready: one start from here within ${minutes(s)}`,
		notready: "Not ready. Run “massager-ctl ready” at the machine, or hold the device's button: that is where the question about symptoms is answered.",
		go: "Start", minutes: (s) => `${Math.round(s / 60)} min`, cap: "up to",
		notfor: "Not for", lowered: "Lowered here", steps: "What you do",
		hands: "hands only: the motors stay off", loading: "Reading the profiles…",
	},
	hand: {
		title: "Play by hand", minutes: "Minutes", together: "Left and right together",
		less: "less", more: "more", allowed: "allowed now", your: "your", in: "in",
		motion: "Motion", direction: "Direction", heat: "Heat", off: "off",
		warm: (c) => `Press again for ${c} °C`,
		other: "A profile is playing. It sets the levels itself.",
		motions: { vibrate: "vibrate", knead: "knead", glide: "glide", circle: "circle", hold: "hold still" },
		directions: { none: "–", cw: "clockwise", ccw: "anticlockwise", alternate: "both ways", up: "up", down: "down" },
	},
	history: {
		title: "Minutes a day", limit: "30 minutes: the most in 24 hours", none: "No sessions yet.",
		export: "Save as CSV", when: "When", what: "What", long: "Minutes", end: "End",
		left: (n) => `${n} of 3 sessions left today`, manual: "by hand", pain: "pain reported",
	},
	devices: {
		choose: "Show this one", shown: "shown here", serial: "Serial number", firmware: "Firmware",
		power: "Power", mains: "mains", battery: (p) => `battery ${p} %`,
		senses: "Senses", deadman: "Stops on its own",
		after: (s) => `${Math.round(s * 1000)} ms after it hears nothing`,
		simulated: "Simulator: no one wears it", link: "Link",
		latched: (c) => `Latched (${c.replaceAll("_", " ")}). Look at the device, then run “massager-ctl reset” at the machine.`,
		scan: "To find and add another device, run “massager-ctl scan” at the machine, then “massager-ctl serve --device ADDRESS”.",
	},
	stop: {
		sent: (d) => `STOP sent to ${d} …`,
		confirmed: (d) => `Stopped. ${d} confirmed that everything is at zero.`,
		unconfirmed: (d) => `NOT CONFIRMED by ${d}: take it off and unplug it.`,
	},
	alarm: { seen: "Seen", link: "This page hears nothing from the service." },
	pair: {
		title: "Pair this phone", code: "Code from the machine", go: "Pair",
		help: "The machine shows a code: “massager-ctl serve --lan”, or “massager-ctl access pair” for a new one. It works once, for ten minutes.",
		working: "Pairing…",
	},
	unreachable: "The service did not answer. Nothing was changed.",
};
