// Dead letters: a page at a time, with replay and drop.
import { $, ask, cell, h, json, keyed, number, show, time, timeEl, toast } from "./dom.js";
import { get, post } from "./api.js";

let reload = () => {};
let totals = new Map(); // by destination
let before = [];        // the cursors of the newer pages
let after = "";         // where this page begins
let next = null;
let letters = [];
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
	keyed($("dead-rows"), letters, (d) => d.id, row);
	for (const box of $("dead-rows").querySelectorAll("input")) box.checked = selected.has(box.value);
	$("dead-all").checked = letters.length > 0 && letters.every((d) => selected.has(d.id));
	$("dead-table").hidden = letters.length === 0;
	const { destination, reason } = filter();
	show($("dead-empty"), letters.length ? "" : destination || reason ? "No dead letter fits the filter." : "There are none: every destination took what it got.");
	const reasons = [...new Set(letters.map((d) => d.reason))].sort();
	keyed($("dead-reasons"), reasons, (r) => r, (value) => h("option", { value }));
	$("dead-pager").hidden = !before.length && !next;
	$("dead-newer").disabled = !before.length;
	$("dead-older").disabled = !next;
	show($("dead-page"), `page ${number(before.length + 1)}` + (reason ? "" : ` of ${number(Math.max(1, Math.ceil(total() / 25)))}`));
	const n = selected.size;
	const all = destination && letters.length;
	for (const [id, word] of [["dead-replay", "Replay"], ["dead-drop", "Drop"]]) {
		$(id).textContent = n ? `${word} ${number(n)} selected` : all ? `${word} all of ${destination}${reason ? " with this reason" : ""}` : word;
		$(id).disabled = !n && !all;
		$(id).title = $(id).disabled ? "Select dead letters, or choose a destination" : "";
	}
}

function row(d) {
	return h("tr", { "data-id": d.id },
		h("td", { class: "check" }, h("input", { type: "checkbox", value: d.id, "aria-label": "Select", "data-focus": "check", onchange: (e) => { e.target.checked ? selected.set(d.id, d.destination) : selected.delete(d.id); draw(); } })),
		cell("Died", "nowrap", timeEl(d.diedAt)),
		cell("Destination", "", h("b", {}, d.destination), h("div", { class: "muted small" }, [d.tenant, d.kind].filter(Boolean).join(" · "))),
		cell("Why", "wide", h("div", {}, d.reason, d.code && !d.reason.includes(d.code) ? h("span", { class: "code" }, d.code) : null), d.explanation && d.explanation !== d.reason ? h("div", { class: "muted small" }, d.explanation) : null),
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
		: await ask(`Replay ${what}?`, "They go to the end of their destination's queue and are sent again.", "Replay");
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
		toast(`${number(count)} ${action === "drop" ? "dropped" : "replayed"}.`
			+ (left ? ` ${number(left)} still match nobody.` : "")
			+ (gone ? ` ${number(gone)} came by a leadgate block that is not in the configuration.` : ""));
	} catch (err) {
		toast(`After ${number(count)}: ${err.message}`, true);
	}
	restart();
	reload();
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
	$("dead-replay").addEventListener("click", () => act("replay"));
	$("dead-drop").addEventListener("click", () => act("drop"));
	$("dead-all").addEventListener("change", (e) => {
		for (const d of letters) e.target.checked ? selected.set(d.id, d.destination) : selected.delete(d.id);
		draw();
	});
	$("dead-older").addEventListener("click", () => { before.push(after); after = next; selected.clear(); load(); });
	$("dead-newer").addEventListener("click", () => { after = before.pop(); selected.clear(); load(); });
}
