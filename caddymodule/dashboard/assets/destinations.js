// Destinations: state, backlog, reason; pause and resume.
import { $, age, ask, cell, h, keyed, number, show, timeEl, toast } from "./dom.js";
import { post } from "./api.js";
import { pick } from "./dead.js";

const words = {
	running: "delivers", retrying: "some events wait for another attempt, or all since the destination asks to wait", open: "takes nothing: one event at a time is tried",
	parked: "Meta refuses the token, the permission or the configuration", paused: "paused", removed: "in no configuration any more; its queue is kept",
};
const rank = { parked: 0, open: 1, paused: 2, retrying: 3, removed: 4, running: 5 };

let list = [];
let reload = () => {};

export const unmatched = (d) => d.name === "unmatched" && d.tenant === "";

// attention is what somebody should look at: parked, open or paused.
export const attention = () => list.filter((d) => rank[d.state] <= 2);

export function update(all) {
	list = all;
	const shown = list.filter((d) => !unmatched(d) || d.dead > 0);
	const words = $("destinations-filter").value.toLowerCase().split(/\s+/).filter(Boolean);
	const rows = shown.filter((d) => words.every((w) => `${d.name} ${d.tenant} ${d.state} ${d.kind} ${d.target}`.toLowerCase().includes(w)));
	rows.sort((a, b) => rank[a.state] - rank[b.state] || a.name.localeCompare(b.name));
	keyed($("destinations-rows"), rows, (d) => `${d.tenant} ${d.name}`, row);
	$("destinations-filter").hidden = shown.length < 9;
	const waiting = list.reduce((n, d) => n + d.backlog, 0);
	show($("destinations-sum"), shown.length ? `${number(shown.length)} with ${number(waiting)} ${waiting === 1 ? "event" : "events"} waiting` : "");
	show($("destinations-empty"), rows.length ? "" : shown.length ? "No destination fits the filter." : "The configuration has no destination.");
}

function row(d) {
	const dead = d.dead ? h("button", { class: "link", type: "button", onclick: () => pick(d.name), "data-focus": "dead", title: "Show them" }, number(d.dead)) : "–";
	return h("tr", { "data-name": d.name },
		cell("State", "", unmatched(d) ? h("span", { class: "pill" }, "no tenant") : h("span", { class: `pill ${d.state}`, title: words[d.state] }, d.state)),
		cell("Destination", "wide", h("b", {}, d.name), h("div", { class: "muted small" }, what(d)),
			d.reason ? h("div", { class: `reason ${d.state}` }, d.reason.replace(/; it waits until \S+$/, ""), until(d)) : null),
		cell("Waiting", "num", d.backlog ? number(d.backlog) : "–"),
		cell("Oldest", "num", age(d.oldestAgeSeconds)),
		cell("In flight", "num", d.inFlight ? number(d.inFlight) : "–"),
		cell("Delivered", "num", d.delivered ? number(d.delivered) : "–"),
		cell("Dead letters", "num", dead),
		h("td", { class: "act" }, button(d)));
}

// until is when a destination goes on, or tries again, by itself.
const until = (d) => d.until ? [d.reason.includes("; it waits until ") ? "; it waits until " : "; the next attempt is at ", timeEl(d.until)] : null;

function what(d) {
	if (unmatched(d)) return "events that no tenant's match names";
	if (d.state === "removed") return `${d.tenant} · in no configuration; drop or move it with the admin API`;
	return [d.tenant, d.kind === "capi" ? `dataset ${d.target}` : d.target].filter(Boolean).join(" · ");
}

function button(d) {
	if (unmatched(d) || d.state === "removed") return null;
	const resume = d.state === "paused" || d.state === "parked" || d.state === "open";
	const both = d.state === "parked" || d.state === "open";
	const make = (action, label) => h("button", { type: "button", "data-focus": action, "data-action": action, onclick: (e) => act(e.target, d, action) }, label);
	return [resume ? make("resume", d.state === "paused" ? "Resume" : "Try now") : null, !resume || both ? make("pause", "Pause") : null];
}

async function act(el, d, action) {
	if (action === "pause" && !await ask(`Pause ${d.name}?`, "Its events wait in the queue, in order, until somebody resumes it, over restarts too. Webhooks are still answered 200.", "Pause")) return;
	el.disabled = true;
	try {
		await post(`destinations/${encodeURIComponent(d.name)}/${action}`);
		toast(action === "pause" ? `${d.name} is paused.` : `${d.name} goes on.`);
	} catch (err) {
		toast(`${d.name}: ${err.message}`, true);
		el.disabled = false;
	}
	reload();
}

export function start(again) {
	reload = again;
	$("destinations-filter").addEventListener("input", () => update(list));
}
