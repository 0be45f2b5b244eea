// Dead letters: a page at a time, with replay and drop.
import { $, ask, cell, h, json, keyed, number, readOnly, show, time, timeEl, toast } from "./dom.js";
import { get, post } from "./api.js";

let reload = () => {};
let totals = new Map(); // by destination
let before = [];        // the cursors of the newer pages
let after = "";         // where this page begins
let next = null;
let letters = [];
let pageSize = 25;
const unfolded = new Set(); // keys of folded rows that were opened
let asked = 0;          // the newest request, so that a late answer is dropped
let seen = "";          // the totals that this page was loaded with
const selected = new Map(); // id → destination

const filter = () => ({ destination: $("dead-destination").value, reason: $("dead-reason").value.trim() });
const total = () => {
	const { destination } = filter();
	return destination ? totals.get(destination) || 0 : [...totals.values()].reduce((a, b) => a + b, 0);
};

export function update(destinations) {
	totals = new Map(destinations.filter((d) => d.dead > 0).map((d) => [d.name, d.dead]));
	const chosen = $("dead-destination").value;
	const names = [...new Set([...totals.keys(), chosen])].filter(Boolean).sort();
	const options = [["", "All destinations"], ...names.map((n) => [n, `${n} (${number(totals.get(n) || 0)})`])];
	keyed($("dead-destination"), options, (o) => o[0], ([value, text]) => h("option", { value, selected: value === chosen }, text));
	const n = [...totals.values()].reduce((a, b) => a + b, 0);
	show($("nav-dead"), n ? number(n) : "");
	show($("dead-sum"), n ? `${number(n)} refused for good, kept until they are replayed, dropped or too old` : "");
	const state = JSON.stringify([...totals]);
	// Only the first page follows by itself: nothing may move under a selection.
	if (state !== seen && !before.length && !selected.size) load();
	else draw();
}

export async function load() {
	const mine = ++asked;
	const state = JSON.stringify([...totals]);
	try {
		const page = await get("dead", { ...filter(), after });
		if (mine !== asked) return;
		letters = page.dead;
		next = page.next;
		pageSize = page.page;
		seen = state;
		for (const id of selected.keys()) if (!letters.some((d) => d.id === id)) selected.delete(id);
		draw();
	} catch (err) {
		if (mine === asked) show($("dead-empty"), `The dead letters cannot be read: ${err.message}`);
	}
}

function restart() {
	before = [];
	after = "";
	selected.clear();
	unfolded.clear();
	load();
}

// pick shows the dead letters of one destination.
export function pick(name) {
	const box = $("dead-destination");
	if (![...box.options].some((o) => o.value === name)) box.append(h("option", { value: name }, name));
	box.value = name;
	$("dead-reason").value = "";
	restart();
	$("dead").scrollIntoView({ behavior: "smooth" });
}

function draw() {
	keyed($("dead-rows"), folded(), (d) => d.key, (d) => (d.ids ? foldedRow(d) : row(d)));
	for (const box of $("dead-rows").querySelectorAll("input")) box.checked = box.value.split(" ").every((id) => selected.has(id));
	$("dead-all").checked = letters.length > 0 && letters.every((d) => selected.has(d.id));
	$("dead-table").hidden = letters.length === 0;
	const { destination, reason } = filter();
	show($("dead-empty"), letters.length ? "" : destination || reason ? "No dead letter fits the filter: choose another destination, or empty the reason." : "There are none: every destination took what it got. Nothing to do here.");
	const reasons = [...new Set(letters.map((d) => d.reason))].sort();
	keyed($("dead-reasons"), reasons, (r) => r, (value) => h("option", { value }));
	$("dead-pager").hidden = !before.length && !next;
	$("dead-newer").disabled = !before.length;
	$("dead-older").disabled = !next;
	show($("dead-page"), `page ${number(before.length + 1)}` + (reason ? "" : ` of ${number(Math.max(1, Math.ceil(total() / pageSize)))}`));
	const n = selected.size;
	const all = destination && letters.length;
	for (const [id, word] of readOnly ? [] : [["dead-replay", "Replay"], ["dead-drop", "Drop"]]) {
		$(id).textContent = n ? `${word} ${number(n)} selected` : all ? `${word} all of ${destination}${reason ? " with this reason" : ""}` : word;
		$(id).disabled = !n && !all;
		$(id).title = $(id).disabled ? "Select dead letters, or choose a destination" : "";
	}
}

// folded makes one row of unmatched events that are dead for the same reason.
function folded() {
	const groups = new Map();
	const keyOf = (d) => `${d.destination}\n${d.reason}\n${d.explanation}`;
	const folds = (d) => d.destination === "unmatched" && !unfolded.has(keyOf(d));
	for (const d of letters) if (folds(d)) groups.set(keyOf(d), [...(groups.get(keyOf(d)) || []), d]);
	const out = [];
	for (const d of letters) {
		const group = folds(d) ? groups.get(keyOf(d)) : [];
		if (group.length < 3) out.push({ ...d, key: d.id });
		else if (group[0] === d) out.push({ ...d, key: keyOf(d), ids: group.map((d) => d.id), since: group[group.length - 1].diedAt });
	}
	return out;
}

function foldedRow(d) {
	const n = number(d.ids.length);
	return h("tr", { class: "folded" },
		check(d.ids.join(" "), `Select these ${n}`, (on) => { for (const id of d.ids) on ? selected.set(id, d.destination) : selected.delete(id); }),
		cell("Died", "", timeEl(d.diedAt), h("div", { class: "muted small" }, "the first ", timeEl(d.since))),
		cell("Destination", "dest", h("b", {}, d.destination), h("div", { class: "muted small" }, `${n} alike`)),
		cell("Why", "wide", why(d)),
		cell("Attempts", "num", "–"),
		h("td", { class: "act" }, h("button", { type: "button", "data-focus": "show", onclick: () => { unfolded.add(d.key); draw(); } }, `Show all ${n}`)));
}

// check is the cell of a row's box; all of it can be pressed.
const check = (value, label, chosen) => h("td", { class: "check" }, h("label", { class: "hit" },
	h("input", { type: "checkbox", value, "aria-label": label, "data-focus": "check", onchange: (e) => { chosen(e.target.checked); draw(); } })));

const why = (d) => [h("div", { class: "any" }, d.reason, d.code && !d.reason.includes(d.code) ? h("span", { class: "code" }, d.code) : null),
	d.explanation && d.explanation !== d.reason ? h("div", { class: "muted small any" }, d.explanation) : null];

function row(d) {
	return h("tr", { "data-id": d.id },
		check(d.id, "Select", (on) => { on ? selected.set(d.id, d.destination) : selected.delete(d.id); }),
		cell("Died", "nowrap", timeEl(d.diedAt)),
		cell("Destination", "dest", h("b", { class: "any" }, d.destination), h("div", { class: "muted small any" }, [d.tenant, d.kind].filter(Boolean).join(" · "))),
		cell("Why", "wide", why(d)),
		cell("Attempts", "num", d.attempts || "–"),
		h("td", { class: "act" }, h("button", { type: "button", "data-focus": "show", onclick: () => open(d) }, "Event")));
}

async function open(d) {
	try {
		const { dead } = await get("dead", { id: d.id });
		if (!dead.length) throw new Error("it is no dead letter any more");
		const tried = d.firstAt ? `first tried ${time(d.firstAt)}, ` : "";
		$("show-title").textContent = `${d.destination}: ${d.reason}`;
		$("show-text").textContent = `${tried}dead since ${time(d.diedAt)}. Phone numbers are shortened here, not in the queue.`;
		json($("show-json"), dead[0].event);
		$("show").showModal();
	} catch (err) {
		toast(`The event cannot be read: ${err.message}`, true);
	}
}

async function act(action) {
	const { destination, reason } = filter();
	const calls = [];
	let what;
	if (selected.size) {
		for (const [name, ids] of byDestination()) calls.push({ destination: name, ids });
		what = `${number(selected.size)} dead ${selected.size === 1 ? "letter" : "letters"}`;
	} else {
		calls.push({ destination, all: true, ...(reason ? { reason } : {}) });
		what = reason ? `all dead letters of ${destination} with the reason “${reason}”` : `all ${number(total())} dead letters of ${destination}`;
	}
	const yes = action === "drop"
		? await ask(`Drop ${what}?`, "They are deleted, and nobody gets these events any more.", "Drop", true)
		: await ask(`Replay ${what}?`, again(calls), "Replay");
	if (!yes) return;
	$("dead-replay").disabled = $("dead-drop").disabled = true;
	let count = 0, left = 0, gone = 0; // of unmatched events some may stay
	try {
		for (const call of calls) {
			const done = await post(`dead/${action}`, call);
			count += done.count;
			left += done.unmatched || 0;
			gone += done.noBlock || 0;
		}
		toast([
			action === "drop" ? `${number(count)} dropped.` : calls.every(routed) ? `${number(count)} routed again, to the tenants that they match now.` : `${number(count)} replayed.`,
			left ? `${number(left)} still match nobody, and stay: no tenant’s match names their ids.` : "",
			gone ? `${number(gone)} came by a leadgate block that is not in the configuration any more, and stay.` : "",
		].filter(Boolean).join(" "), left + gone > 0);
	} catch (err) {
		toast(`After ${number(count)}: ${err.message}`, true);
	}
	restart();
	reload();
}

const routed = (call) => call.destination === "unmatched";

// again says what a replay does.
function again(calls) {
	const routes = "Unmatched events are routed again, as if they came now: those that a tenant’s match names today go to that tenant’s destinations, the rest stay here, and the answer says how many still match nobody.";
	const sends = "They go to the end of their destination’s queue and are sent again.";
	return calls.every(routed) ? routes : calls.some(routed) ? `${sends} ${routes}` : sends;
}

function byDestination() {
	const by = new Map();
	for (const [id, name] of selected) by.set(name, [...(by.get(name) || []), id]);
	return by;
}

export function start(again) {
	reload = again;
	$("dead-destination").addEventListener("change", restart);
	$("dead-reason").addEventListener("change", restart);
	if (!readOnly) {
		$("dead-replay").addEventListener("click", () => act("replay"));
		$("dead-drop").addEventListener("click", () => act("drop"));
	}
	$("dead-all").addEventListener("change", (e) => {
		for (const d of letters) e.target.checked ? selected.set(d.id, d.destination) : selected.delete(d.id);
		draw();
	});
	$("dead-older").addEventListener("click", () => { before.push(after); after = next; selected.clear(); load(); });
	$("dead-newer").addEventListener("click", () => { after = before.pop(); selected.clear(); load(); });
}
