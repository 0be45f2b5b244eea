// Small helpers to make elements. Text is always set as text, never as HTML:
// nearly all of it was written by strangers.

export const $ = (id) => document.getElementById(id);

// What the edge says of this page: it does nothing, and it is one tenant's.
export const readOnly = document.body.classList.contains("read-only");
export const ofTenant = document.body.classList.contains("of-tenant");

// h makes an element: h("a", {class: "x", onclick: f, href: "#"}, "text", child, null).
export function h(tag, props, ...children) {
	const el = document.createElement(tag);
	for (const [name, value] of Object.entries(props || {})) {
		if (value === null || value === undefined || value === false) continue;
		if (name.startsWith("on")) el.addEventListener(name.slice(2), value);
		else el.setAttribute(name, value === true ? "" : value);
	}
	el.append(...children.flat().filter((c) => c !== null && c !== undefined && c !== false).map((c) => (c instanceof Node ? c : String(c))));
	return el;
}

// cell is a table cell that carries its column's title, for narrow screens.
// One that says nothing, –, is left out there.
export const cell = (title, cls, ...children) => h("td", { "data-title": title, class: children[0] === "–" ? `${cls} none` : cls }, ...children);

// show sets a text and hides the element when there is none.
export function show(el, text) {
	if (el.textContent !== text) el.textContent = text;
	el.hidden = text === "";
}

// keyed makes the children of parent those of items, and redraws only what
// changed, so that the focus and the pointer keep their place.
export function keyed(parent, items, key, draw) {
	const known = parent.drawn || (parent.drawn = new Map());
	const kept = new Map();
	let at = parent.firstElementChild;
	for (const item of items) {
		const k = key(item);
		const text = JSON.stringify(item);
		let row = known.get(k);
		if (!row) row = { text, node: draw(item) };
		else if (row.text !== text) {
			const node = draw(item);
			const focus = row.node.contains(document.activeElement) && document.activeElement.dataset.focus;
			if (row.node === at) at = node;
			row.node.isConnected ? row.node.replaceWith(node) : null;
			if (focus) node.querySelector(`[data-focus="${focus}"]`)?.focus();
			row = { text, node };
		}
		kept.set(k, row);
		if (row.node === at) at = at.nextElementSibling;
		else parent.insertBefore(row.node, at);
	}
	while (at) {
		const next = at.nextElementSibling;
		at.remove();
		at = next;
	}
	parent.drawn = kept;
}

// rowsOf fills a table's body with the first of a list, and says on its button how many more there are.
export function rowsOf(id, list, key, draw, most) {
	keyed($(`${id}-rows`), list.slice(0, most), key, draw);
	const left = list.length - most;
	show($(`${id}-more`), left > 0 ? `Show ${left > 100 ? "100 more" : `${number(left)} more`} of ${number(list.length)}` : "");
}

// meter is a bar of a part of the most.
export function meter(part) {
	const bar = h("i", { class: "meter" }, h("i", {}));
	bar.firstChild.style.width = `${100 * part}%`;
	return bar;
}

// money writes amounts by currency, each as its currency is written.
export const money = (amounts) => Object.entries(amounts || {}).sort().map(([currency, v]) => {
	try { return new Intl.NumberFormat(undefined, { style: "currency", currency }).format(v); } catch { return `${number(v)} ${currency}`; }
});

export const number = (n) => new Intl.NumberFormat().format(n);

// age of a number of seconds, in at most two units.
export function age(seconds) {
	if (!seconds) return "–";
	const units = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
	const i = units.findIndex(([, size]) => seconds >= size);
	const [unit, size] = units[i];
	const rest = i < 2 ? Math.floor((seconds % size) / units[i + 1][1]) : 0;
	return `${Math.floor(seconds / size)} ${unit}` + (rest ? ` ${rest} ${units[i + 1][0]}` : "");
}

export function ms(value) {
	if (value === null || value === undefined) return "–";
	if (value >= 1000) return `${(value / 1000).toFixed(value >= 10000 ? 0 : 1)} s`;
	return `${value.toFixed(value < 10 ? 1 : 0)} ms`;
}

const today = (d) => d.toDateString() === new Date().toDateString();
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const clockShort = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });

// time of day, with the date unless it is today.
export function time(at, short) {
	const d = new Date(at);
	const c = (short ? clockShort : clock).format(d);
	return today(d) ? c : `${day.format(d)}, ${c}`;
}
export const timeEl = (at) => h("time", { datetime: new Date(at).toISOString(), title: new Date(at).toString() }, time(at));

// color of a CSS variable, for what is drawn on a canvas.
export const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// json fills a <pre> with JSON, with colours.
export function json(pre, value) {
	const token = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
	const text = typeof value === "string" ? value : JSON.stringify(value, null, 2);
	const parts = [];
	let at = 0;
	for (const m of text.matchAll(token)) {
		parts.push(text.slice(at, m.index));
		const cls = m[2] ? "k" : m[1] ? "s" : m[0] === "null" ? "z" : "n";
		parts.push(h("span", { class: cls }, m[1] || m[0]), m[2] || "");
		at = m.index + m[0].length;
	}
	pre.replaceChildren(...parts, text.slice(at));
}

// ask shows a question and tells whether the answer was yes.
export function ask(title, text, yes, danger) {
	const box = $("ask");
	$("ask-title").textContent = title;
	$("ask-text").textContent = text;
	$("ask-yes").textContent = yes;
	$("ask-yes").className = danger ? "danger solid" : "primary";
	box.showModal();
	// Not by the close event, which comes late enough to answer the next question.
	const answered = new AbortController();
	return new Promise((done) => {
		const answer = (yes) => {
			answered.abort();
			done(yes);
		};
		box.addEventListener("submit", (e) => answer(e.submitter?.value === "yes"), { signal: answered.signal });
		box.addEventListener("cancel", () => answer(false), { signal: answered.signal });
	});
}

export function toast(text, bad) {
	const el = h("div", { class: bad ? "toast bad" : "toast" }, text);
	$("toasts").append(el);
	setTimeout(() => el.remove(), bad ? 12000 : 5000);
}

// pressed marks one button of a group and calls back with its range.
export function choice(group, chosen) {
	group.addEventListener("click", (e) => {
		const range = e.target.dataset.range;
		if (!range) return;
		for (const b of group.children) b.setAttribute("aria-pressed", String(b === e.target));
		chosen(range);
	});
}
